/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A flow's memory, which stays with its socket, and the ways between it and TCP: what an ACK says comes
 * in, rate and window go out.
 */
#ifndef MEDULLA_CONGESTION_FLOW_BPF_H
#define MEDULLA_CONGESTION_FLOW_BPF_H

#include "medulla.bpf.h"
#include "congestion_types.h"
#include "congestion_control.h"
#include "congestion_intf.h"
#include "congestion_record.h"

_Static_assert(MEDULLA_INPUTS == MCC_RECENT || MEDULLA_INPUTS == MCC_FEATURES, "features of the controller");
_Static_assert(MEDULLA_OUTPUTS == 1 || MEDULLA_OUTPUTS == 2, "an action, and perhaps a verdict");

#define CONGESTION_NO_THRESHOLD 0x7fffffff /* TCP_INFINITE_SSTHRESH */

struct congestion_flow {
	struct mcc_flow controller;
	struct congestion_pending pending;
	__u64 number; /* in the instance */
	__u64 last_ack_us;
	__u64 decided_us; /* the interval that began with the last decision; 0: none */
	__s64 action;	  /* of that decision, q16 */
	__u64 pin;	  /* its own socket's memory, so that the word needs no number */
	__u32 sequence;	  /* odd while an ACK is being handled; written under the socket's lock */
	__u32 started;	  /* 0: fresh memory; all else is complete before it is 1 */
	__u32 state;	  /* enum tcp_ca_state */
	__u32 delivered_ce;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct congestion_flow);
} congestion_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct congestion_settings);
} congestion_config SEC(".maps");

static __always_inline const struct congestion_settings *congestion_get_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&congestion_config, &zero);
}

static __always_inline const struct mcc_config *congestion_get_config(void)
{
	const struct congestion_settings *settings = congestion_get_settings();

	return settings ? &settings->controller : 0;
}

/* The kernel holds ~0 until the first sample. */
static __always_inline __u32 congestion_min_rtt_us(const struct tcp_sock *tp)
{
	__u32 least = tp->rtt_min.s[0].v;

	return least == ~0U ? 0 : least;
}

static __always_inline __u32 congestion_in_flight(const struct tcp_sock *tp)
{
	return tp->packets_out - (tp->sacked_out + tp->lost_out) + tp->retrans_out;
}

/*
 * Rate to pacing, window to the window, and to the threshold of slow start once the start is over: other
 * programs read it, the next connection to the host begins with it, and a successor does not double a window
 * that fits. While losses are repaired the window only grows by what was delivered, so that a timeout is not
 * answered with a burst.
 */
static __always_inline void congestion_publish(struct sock *sk, struct tcp_sock *tp,
					       const struct congestion_flow *flow, __u32 acked)
{
	__u64 rate = flow->controller.pace;
	__u32 window = flow->controller.window;

	if (rate > sk->sk_max_pacing_rate)
		rate = sk->sk_max_pacing_rate;
	if (flow->state >= MEDULLA_CA_RECOVERY) {
		__u32 flying = congestion_in_flight(tp);
		__u32 grown = (tp->snd_cwnd > flying ? tp->snd_cwnd : flying) + acked;

		window = window < grown ? window : grown;
	}
	if (window > tp->snd_cwnd_clamp)
		window = tp->snd_cwnd_clamp;
	if (window < 1)
		window = 1;
	sk->sk_pacing_rate = rate;
	tp->snd_cwnd = window;
	tp->snd_ssthresh = flow->controller.phase == MCC_START ? CONGESTION_NO_THRESHOLD :
			   flow->controller.window < 2 ? 2 : flow->controller.window;
}

static __noinline int congestion_start(struct congestion_flow *flow, const struct mcc_config *config,
				       struct tcp_sock *tp)
{
	__u64 now = tp->tcp_mstamp;

	mcc_init(&flow->controller, config, now, tp->srtt_us >> 3, congestion_min_rtt_us(tp), tp->snd_cwnd,
		 tp->mss_cache);
	flow->last_ack_us = now;
	flow->decided_us = 0;
	flow->state = MEDULLA_CA_OPEN;
	flow->delivered_ce = tp->delivered_ce;
	flow->pending.flags = 0;
	flow->number = medulla_new_flow();
	flow->pin = medulla_take_pin();
	/* An iterator on another processor must find the pin that was counted. */
	medulla_store_ordered32(&flow->started, 1);
	return 0;
}

/* The flow's state; memory that was missing when the flow began is asked for again on each ACK. */
static __always_inline struct congestion_flow *congestion_flow_of(struct sock *sk, struct tcp_sock *tp,
								  const struct mcc_config *config)
{
	struct congestion_flow *flow =
		bpf_sk_storage_get(&congestion_flows, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (flow && !flow->started)
		congestion_start(flow, config, tp);
	return flow;
}

static __always_inline void congestion_read_ack(struct mcc_ack *ack, const struct tcp_sock *tp,
						const struct rate_sample *sample,
						struct congestion_flow *flow)
{
	int valid = sample->interval_us > 0 && sample->delivered > 0;
	long rtt = sample->rtt_us;

	ack->now_us = tp->tcp_mstamp;
	ack->rtt_us = rtt > 0 ? (rtt < 0x7fffffff ? (__u32)rtt : 0x7fffffff) : 0;
	ack->srtt_us = tp->srtt_us >> 3;
	ack->delivered = valid ? (__u32)sample->delivered : 0;
	ack->send_us = valid ? sample->snd_interval_us : 0;
	ack->receive_us = valid ? sample->rcv_interval_us : 0;
	ack->acked = sample->acked_sacked;
	ack->lost = sample->losses > 0 ? (__u32)sample->losses : 0;
	ack->marked = tp->delivered_ce - flow->delivered_ce;
	ack->in_flight = congestion_in_flight(tp);
	ack->packet_bytes = tp->mss_cache;
	ack->app_limited = sample->is_app_limited;
	flow->delivered_ce += ack->marked;
	flow->last_ack_us = ack->now_us;
}

#endif /* MEDULLA_CONGESTION_FLOW_BPF_H */
