/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Whose the queue is, and what follows: the network's verdict on a rival, looks at the empty path that tell
 * it, the answer to losses and marks, a path that has grown, and the guard.
 */
#ifndef MEDULLA_CONGESTION_RIVAL_H
#define MEDULLA_CONGESTION_RIVAL_H

#include "congestion_past.h"

static inline void mcc_set_rival(struct mcc_flow *flow)
{
	if (flow->rival)
		return;
	flow->rival = 1;
	flow->rival_events++;
	flow->look_rounds = MCC_LOOK_ROUNDS;
	if (flow->probe_countdown > MCC_LOOK_ROUNDS * MCC_ONE)
		flow->probe_countdown = MCC_LOOK_ROUNDS * MCC_ONE;
}

static inline void mcc_clear_rival(struct mcc_flow *flow, const struct mcc_config *config)
{
	if (!flow->rival)
		return;
	flow->rival = 0;
	flow->probe_countdown = MCC_LOOK_AGAIN * MCC_ONE;
	if (flow->delivery_rate && flow->delivery_rate < flow->rate)
		mcc_set_rate(flow, config, flow->delivery_rate);
}

/* Flows like this one make short queues and lose little: without either there is no rival to see. */
static inline int mcc_may_be_rival(const struct mcc_flow *flow, const struct mcc_config *config)
{
	const struct mcc_past *past = &flow->past;

	return past->loss_age < MCC_RIVAL_LOSS * MCC_ONE ||
	       mcc_queue_of(flow, config, mcc_past_most(past)) > MCC_RIVAL_QUEUE;
}

/* Takes in a verdict: what counts is a mean over some eight. */
static inline void mcc_judge(struct mcc_flow *flow, const struct mcc_config *config, __s64 verdict)
{
	if (verdict == MCC_NO_VERDICT)
		return;
	verdict = mcc_bounded(verdict, -MCC_VERDICT_MAX, MCC_VERDICT_MAX);
	flow->verdict += (__s32)((verdict - flow->verdict) / 8);
	if (flow->verdict > config->rival_enter_q16 && mcc_may_be_rival(flow, config))
		mcc_set_rival(flow);
	else if (flow->verdict < config->rival_leave_q16)
		mcc_clear_rival(flow, config);
}

/*
 * A flow that joins others never sees the path empty, would take their queue for part of it, and push harder
 * than they do. So every flow now and then gives way for a moment, by its share of the queue and half of its
 * window, and what is measured then and in the interval after counts only for the round trip of the empty
 * path. Beside a rival it looks for two round trips with what it gets and no queue of its own: alone it
 * would lose nothing, and the queue would go. While it stays, looks become rare: each shows the rival a path
 * that is emptier than it will be, and BBR holds to that for ten seconds.
 */
static inline void mcc_start_look(struct mcc_flow *flow, const struct mcc_config *config)
{
	__u64 latency = (__u64)flow->features[MCC_RECENT - 2];
	__u64 window = ((__u64)flow->window << 15) / (latency > MCC_ONE ? latency : MCC_ONE);

	flow->past.look_before = (__u32)(latency - MCC_ONE);
	flow->look_base_us = flow->base_us;
	flow->probe_countdown = MCC_PROBE_ROUNDS * MCC_ONE;
	flow->probing = 2 * MCC_ONE;
	if (flow->rival) {
		window = flow->delivery_rate * mcc_base_rtt(flow, config) / 1000000 / flow->packet_bytes;
		flow->probe_countdown = flow->look_rounds * MCC_ONE;
		flow->probing = 3 * MCC_ONE;
	}
	flow->window = (__u32)mcc_clamp(window, MCC_WINDOW_MIN, MCC_WINDOW_MAX);
}

/* 1 while the interval that ends belongs to a look. */
static inline int mcc_is_looking(struct mcc_flow *flow, const struct mcc_config *config)
{
	__u32 before = flow->probing;

	if (!before)
		return 0;
	flow->probing -= flow->step_q16 < before ? flow->step_q16 : before;
	if (flow->least_us < flow->past.least_us[0])
		flow->past.least_us[0] = flow->least_us;
	if (flow->probing > MCC_ONE)
		return 1;
	if (before > MCC_ONE) {
		flow->past.look_after = (__u32)mcc_queue_of(flow, config, flow->least_us);
		flow->past.look_age = 0;
		if (flow->past.look_after * 2 < flow->past.look_before)
			flow->look_rounds = MCC_LOOK_ROUNDS;
		else if (flow->look_rounds < MCC_LOOK_MOST)
			flow->look_rounds *= 2;
		/* What goes with this flow's part of it was this flow's queue. */
		if (flow->rival && flow->past.look_before > MCC_LONG_QUEUE &&
		    flow->past.look_after * 8 < flow->past.look_before) {
			flow->verdict = config->rival_leave_q16;
			mcc_clear_rival(flow, config);
		}
		/* It has found a shorter path: there may be more to find. */
		if (flow->base_us + flow->base_us / 16 < flow->look_base_us &&
		    flow->probe_countdown > MCC_LOOK_AGAIN * MCC_ONE)
			flow->probe_countdown = MCC_LOOK_AGAIN * MCC_ONE;
	}
	mcc_set_window(flow, config);
	return 1;
}

/* The queue falls by itself: by half of what it was, or all at once when that has not been tried lately. */
static inline int mcc_queue_falls(const struct mcc_flow *flow, const struct mcc_config *config, __s32 before,
				  __s32 queue)
{
	__u32 age = flow->past.look_age;
	__s32 most = mcc_queue_of(flow, config, mcc_past_most(&flow->past));

	if (flow->lost || age < MCC_LOOK_LEAST * MCC_ONE)
		return 0;
	return 2 * queue < most || (queue * 7LL < before * 6LL && age >> 14 > flow->look_rounds);
}

/* The flows of a host look together now and then: if all believe in a rival and none is there, all see it. */
static inline int mcc_looks_together(struct mcc_flow *flow, __u64 now_us)
{
	__u32 epoch = (__u32)(now_us >> MCC_TOGETHER_SHIFT);
	int due = epoch != flow->look_epoch;

	flow->look_epoch = epoch;
	return due;
}

/*
 * Keeps the shadow. Beside a rival, a queue that falls by itself is a reason to look at once: the rival may
 * be gone, or was one like us who looks, and only when all look together is the path seen empty.
 */
static inline void mcc_watch(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us,
			     __s32 before, __s32 latency)
{
	int together;

	if (!flow->rival && latency <= MCC_ONE + MCC_SMALL_QUEUE && !flow->lost) {
		mcc_shadow_follow(flow, now_us);
		return;
	}
	mcc_shadow_grow(flow, now_us);
	/* Whatever the network says: who gave way by so much and has not seen the queue go has a rival. */
	if (!flow->rival && flow->past.standing > MCC_STARVED_ROUNDS * MCC_ONE &&
	    flow->delivery_rate * MCC_STARVED_SHARE < flow->past.given_delivery) {
		flow->verdict = config->rival_enter_q16;
		mcc_set_rival(flow);
	}
	together = mcc_looks_together(flow, now_us);
	if (flow->rival && (together || mcc_queue_falls(flow, config, before, latency - MCC_ONE)))
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

/*
 * The round trip has stayed the same while the flow gave way by a quarter: it is the path's, and no queue's
 * that this flow could do anything about. Returns 1 then.
 */
static inline int mcc_path_has_grown(struct mcc_flow *flow, const struct mcc_config *config)
{
	struct mcc_past *past = &flow->past;
	__u32 least = past->least_us[0];

	if (flow->rival || past->stay_rounds < 8 * MCC_ONE ||
	    flow->window * 4ULL > past->stay_window * 3ULL || least == ~0U || least < flow->base_us)
		return 0;
	if (mcc_queue_of(flow, config, past->stay_us) <= MCC_LONG_QUEUE)
		return 0;
	least = least > past->stay_us - past->stay_us / 16 ? least : past->stay_us - past->stay_us / 16;
	flow->base_us = least;
	past->stay_rounds = 0;
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
