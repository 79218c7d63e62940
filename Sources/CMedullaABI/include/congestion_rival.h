/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What rivals change: the shadow, the answer to losses and marks, a path that has grown, and the guard. */
#ifndef MEDULLA_CONGESTION_RIVAL_H
#define MEDULLA_CONGESTION_RIVAL_H

#include "congestion_belief.h"

/* Without a belief in rivals the shadow claims no more than the flow had while the queue was small. */
static inline void mcc_shadow_bound(struct mcc_flow *flow, __u64 now_us)
{
	__u64 most = flow->past.given_from > flow->window ? flow->past.given_from : flow->window;

	if (flow->shadow.window > most << MCC_SHADOW_SHIFT)
		mcc_shadow_start(flow, now_us, most << MCC_SHADOW_SHIFT, 0);
}

/*
 * Keeps the shadow. Beside a rival, a queue that falls by itself is a reason to look at once: the rival may
 * be gone, or was one like us who looks, and only when all look together is the path seen empty.
 */
static inline void mcc_watch(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us,
			     __s32 before, __s32 latency)
{
	mcc_look_together(flow, latency, now_us);
	if (!flow->rival && latency <= MCC_ONE + MCC_SMALL_QUEUE && !flow->lost) {
		mcc_shadow_follow(flow, now_us);
		return;
	}
	mcc_shadow_grow(flow, now_us);
	if (!flow->rival)
		mcc_shadow_bound(flow, now_us);
	/* Whatever the network says: who gave way by so much and has not seen the queue go has a rival. */
	if (!flow->rival && flow->past.standing > MCC_STARVED_ROUNDS * MCC_ONE &&
	    flow->delivery_rate * MCC_STARVED_SHARE < flow->past.given_delivery) {
		flow->verdict = config->rival_enter_q16;
		mcc_set_rival(flow);
	}
	if (flow->rival && mcc_queue_falls(flow, config, before, latency - MCC_ONE))
		flow->probe_countdown = 0;
}

/* Losses and marks, as they come. */
MCC_APART int mcc_on_congestion(struct mcc_flow *flow, const struct mcc_config *config,
				const struct mcc_ack *ack)
{
	if (!flow || !config || !ack || flow->phase == MCC_START)
		return 0;
	if (ack->lost && mcc_shadow_cut(flow, ack->now_us) && flow->rival && !flow->probing)
		mcc_set_rate(flow, config, flow->rate * 4 / 5);
	if (ack->marked && ack->now_us - flow->mark_cut_us > flow->srtt_us + flow->srtt_us / 4) {
		__u64 share = config->ecn == MCC_ECN_ACCURATE ? flow->past.mark_share / 2 : MCC_ONE / 5;

		flow->mark_cut_us = ack->now_us;
		mcc_shadow_cut(flow, ack->now_us);
		if (!flow->probing)
			mcc_set_rate(flow, config, flow->rate - (flow->rate * share >> 16));
	}
	return 1;
}

/* The flow gave way by a quarter, and the round trip stayed. */
static inline int mcc_gave_for_nothing(const struct mcc_flow *flow)
{
	return !flow->rival && flow->window * 4ULL <= flow->past.stay_window * 3ULL;
}

/*
 * The flow took a quarter more, and the round trip stayed, in a look too. One of both is not enough: BBR
 * gives way to what others take, and a rival may grow during a look. Only far beyond what counts as the same.
 */
static inline int mcc_took_for_nothing(const struct mcc_flow *flow)
{
	const struct mcc_past *past = &flow->past;

	return past->delivery_mean * 4 >= past->stay_delivery * 5 && past->look_age < past->stay_rounds &&
	       past->stay_us > flow->base_us + 4 * mcc_stay_most(past);
}

/*
 * The round trip has stayed the same whatever the flow did: it is the path's, and no queue's that this flow
 * could do anything about. Returns 1 then.
 */
static inline int mcc_path_has_grown(struct mcc_flow *flow, const struct mcc_config *config)
{
	struct mcc_past *past = &flow->past;
	__u32 least = past->least_us[0];

	if (flow->policer.ceiling || past->stay_rounds < 8 * MCC_ONE || least == ~0U || least < flow->base_us)
		return 0;
	if (mcc_queue_of(flow, config, past->stay_us) <= MCC_LONG_QUEUE)
		return 0;
	if (!mcc_gave_for_nothing(flow) && !mcc_took_for_nothing(flow))
		return 0;
	least = least > past->stay_us - past->stay_us / 16 ? least : past->stay_us - past->stay_us / 16;
	flow->base_us = least;
	past->stay_rounds = 0;
	flow->rival = 0;
	flow->verdict = -MCC_VERDICT_MAX;
	return 1;
}

static inline int mcc_interval_is_bad(const struct mcc_flow *flow, const struct mcc_config *config,
				      __s32 latency)
{
	__u64 sent = (__u64)flow->acked + flow->lost;

	return ((__u64)flow->lost << 16) > sent * config->guard_loss_q16 ||
	       (!flow->rival && (__u64)latency > config->guard_latency_q16);
}

static inline void mcc_enter_guard(struct mcc_flow *flow, const struct mcc_config *config)
{
	int slower = flow->delivery_rate && flow->delivery_rate < flow->rate;
	__u64 rate = slower ? flow->delivery_rate : flow->rate;

	flow->phase = MCC_GUARD;
	flow->guard_events++;
	flow->good_intervals = 0;
	flow->guard_queue_us = (__u32)mcc_queue_us(flow, config, flow->last.rtt_us);
	flow->guard_rounds = 0;
	mcc_set_rate(flow, config, rate / 2);
}

static inline void mcc_leave_guard(struct mcc_flow *flow)
{
	flow->phase = MCC_STEER;
	flow->bad_intervals = 0;
}

/*
 * The guard's rule: one more packet a round trip while the path is clean, three tenths less when not. A queue
 * that does not answer to three intervals of that is not this flow's: the shadow is its part then.
 */
static inline void mcc_guard_interval(struct mcc_flow *flow, const struct mcc_config *config, __s32 latency)
{
	__u64 sent = (__u64)flow->acked + flow->lost;
	int lossy = (__u64)flow->lost * 50 > sent;

	if (++flow->guard_rounds % 4 == 0) {
		__u64 queue_us = mcc_queue_us(flow, config, flow->last.rtt_us);

		/* In time, not in round trips: the flow's own bursts take longer while it slows down. */
		if (!lossy && latency > 2 * MCC_ONE && queue_us * 8 > flow->guard_queue_us * 7ULL) {
			mcc_set_rival(flow);
			flow->verdict = config->rival_enter_q16;
			mcc_leave_guard(flow);
			mcc_set_rate(flow, config, flow->rate);
			return;
		}
		flow->guard_queue_us = (__u32)queue_us;
	}
	if (lossy || (!flow->rival && latency > 2 * MCC_ONE)) {
		flow->good_intervals = 0;
		mcc_set_rate(flow, config, flow->rate * 7 / 10);
		return;
	}
	mcc_set_rate(flow, config,
		     flow->rate + (__u64)flow->packet_bytes * 1000000 / mcc_base_rtt(flow, config));
	if (++flow->good_intervals < config->guard_recovery)
		return;
	mcc_leave_guard(flow);
}

#endif /* MEDULLA_CONGESTION_RIVAL_H */
