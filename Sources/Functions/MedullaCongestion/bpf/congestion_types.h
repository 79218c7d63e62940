/* SPDX-License-Identifier: GPL-2.0 */
/* TCP's types as the congestion control touches them; see `kernel_types.h`. */
#ifndef MEDULLA_CONGESTION_TYPES_H
#define MEDULLA_CONGESTION_TYPES_H

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>

struct sock {
	__u32 sk_pacing_status;
	unsigned long sk_pacing_rate;
	unsigned long sk_max_pacing_rate;
} MEDULLA_CORE;

struct inet_sock {
	struct sock sk;
} MEDULLA_CORE;

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	__u64 icsk_ca_priv[13];
} MEDULLA_CORE;

struct minmax_sample {
	__u32 t;
	__u32 v;
} MEDULLA_CORE;

struct minmax {
	struct minmax_sample s[3];
} MEDULLA_CORE;

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u64 tcp_mstamp; /* us, of the segment being handled */
	__u32 mss_cache;
	__u32 snd_cwnd;
	__u32 snd_cwnd_clamp;
	__u32 snd_ssthresh;
	__u32 packets_out;
	__u32 lost_out;
	__u32 sacked_out;
	__u32 retrans_out;
	__u32 delivered_ce;
	__u32 app_limited; /* packets delivered by when the application's pause ends; 0: no pause */
	__u32 srtt_us; /* eighths of us */
	struct minmax rtt_min;
} MEDULLA_CORE;

struct rate_sample {
	__s32 delivered;
	long interval_us;
	__u32 snd_interval_us;
	__u32 rcv_interval_us;
	long rtt_us;
	int losses;
	__u32 acked_sacked;
	_Bool is_app_limited;
} MEDULLA_CORE;

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*set_state)(struct sock *sk, __u8 state);
	void (*cwnd_event)(struct sock *sk, int event);
	__u32 (*min_tso_segs)(struct sock *sk);
	void (*cong_control)(struct sock *sk, __u32 ack, int flag, const struct rate_sample *sample);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*init)(struct sock *sk);
	void (*release)(struct sock *sk);
	char name[16];
	__u32 flags;
} MEDULLA_CORE;

/* Before Linux 6.10 `cong_control` had two arguments: the kernel's own types say which it has. */
struct tcp_congestion_ops___of_two {
	void (*cong_control)(struct sock *sk, const struct rate_sample *sample);
};

/*
 * The sample among the arguments of `cong_control`. One of the two ways is dead once the object is relocated,
 * and the verifier leaves it out; without the empty assembly the compiler would make them one, with an
 * address of the arguments that it works out, which the verifier refuses.
 */
static __always_inline const struct rate_sample *congestion_sample_of(const unsigned long long *arguments)
{
	const struct rate_sample *sample;

	if (bpf_core_type_matches(struct tcp_congestion_ops___of_two)) {
		sample = (const struct rate_sample *)arguments[1];
		asm volatile("" : "+r"(sample));
	} else {
		sample = (const struct rate_sample *)arguments[3];
	}
	return sample;
}

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
} MEDULLA_CORE;

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
} MEDULLA_CORE;

enum medulla_ca_event {
	MEDULLA_CA_EVENT_TX_START = 0,
};

enum medulla_ca_state {
	MEDULLA_CA_OPEN = 0,
	MEDULLA_CA_RECOVERY = 3,
	MEDULLA_CA_LOSS = 4,
};

enum medulla_pacing {
	MEDULLA_PACING_NONE = 0,
	MEDULLA_PACING_NEEDED = 1,
};

#endif /* MEDULLA_CONGESTION_TYPES_H */
