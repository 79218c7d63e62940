/* SPDX-License-Identifier: GPL-2.0 */
/* The members of kernel types that DCTCP touches; libbpf moves every access to where the kernel has it. */
#ifndef MEDULLA_DCTCP_H
#define MEDULLA_DCTCP_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define DCTCP_CORE __attribute__((preserve_access_index))

struct sock {
} DCTCP_CORE;

struct inet_sock {
	struct sock sk;
} DCTCP_CORE;

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct {
		__u8 pending;
	} icsk_ack;
	__u64 icsk_ca_priv[13];
} DCTCP_CORE;

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 snd_cwnd;
	__u32 snd_ssthresh;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 rcv_nxt;
	__u32 delivered;
	__u32 delivered_ce;
	__u8 ecn_flags;
} DCTCP_CORE;

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	void (*set_state)(struct sock *sk, __u8 state);
	void (*cwnd_event)(struct sock *sk, int event);
	void (*in_ack_event)(struct sock *sk, __u32 flags);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*init)(struct sock *sk);
	char name[16];
	__u32 flags;
} DCTCP_CORE;

enum dctcp_event {
	DCTCP_EVENT_LOSS = 3,	/* CA_EVENT_LOSS */
	DCTCP_EVENT_NO_CE = 4,	/* CA_EVENT_ECN_NO_CE */
	DCTCP_EVENT_IS_CE = 5,	/* CA_EVENT_ECN_IS_CE */
};

enum dctcp_state {
	DCTCP_STATE_RECOVERY = 3, /* TCP_CA_Recovery */
};

/* What user space may read of all flows; one for each processor. */
struct dctcp_counts {
	__u64 windows;	 /* over which alpha was updated */
	__u64 marked;	 /* of them, those with a mark */
	__u64 losses;	 /* reactions to loss */
	__u64 without;	 /* flows whose peer does not know ECN: they went over to Reno */
	__u64 alpha_sum; /* of alpha, in 1/1024, over the windows */
};

_Static_assert(sizeof(struct dctcp_counts) == 40, "counts layout");

#endif /* MEDULLA_DCTCP_H */
