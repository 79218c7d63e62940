/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Whether a flow believes in a rival, one whose queue stands whatever this flow does: the network's verdict,
 * and looks at the empty path that tell whose queue it was.
 */
#ifndef MEDULLA_CONGESTION_BELIEF_H
#define MEDULLA_CONGESTION_BELIEF_H

#include "congestion_policer.h"

static inline void mcc_set_rival(struct mcc_flow *flow)
{
	if (flow->rival)
		return;
	flow->rival = 1;
	flow->rival_events++;
	flow->look_rounds = MCC_LOOK_ROUNDS;
	flow->look_every = 1;
	flow->past.look_empty = 0;
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

/* A rival makes a queue: without one for 32 intervals there is none. */
static inline int mcc_has_queued(const struct mcc_flow *flow, const struct mcc_config *config)
{
	return mcc_queue_of(flow, config, mcc_past_most(&flow->past)) > MCC_SMALL_QUEUE;
}

/*
 * A rival that a look has shown not to be there takes, if it has come since, from what the flow gets: only a
 * flow that has lost half believes again soon.
 */
static inline int mcc_may_be_rival(const struct mcc_flow *flow, const struct mcc_config *config)
{
	const struct mcc_past *past = &flow->past;

	if (past->doubt_rounds && past->delivery_mean * 2 > past->doubt_delivery)
		return 0;
	return mcc_has_queued(flow, config);
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
	else if (flow->verdict < config->rival_leave_q16 || !mcc_has_queued(flow, config))
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
		window = flow->delivery_rate * mcc_path_us(flow, config) / 1000000 / flow->packet_bytes;
		flow->probe_countdown = flow->look_rounds * MCC_ONE;
		flow->probing = 3 * MCC_ONE;
	}
	flow->window = (__u32)mcc_clamp(window, MCC_WINDOW_MIN, MCC_WINDOW_MAX);
}

/* The queue went with this flow's part of it: it was this flow's, or that of others like it. */
static inline void mcc_end_belief(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us)
{
	struct mcc_past *past = &flow->past;

	flow->verdict = -MCC_VERDICT_MAX;
	if (!past->doubt_rounds || past->delivery_mean < past->doubt_delivery)
		past->doubt_delivery = past->delivery_mean;
	past->doubt_rounds = MCC_DOUBT_ROUNDS * MCC_ONE;
	mcc_clear_rival(flow, config);
	/* What it had as a rival of its like is no measure of its part. */
	mcc_shadow_start(flow, now_us, (__u64)flow->window << MCC_SHADOW_SHIFT, 0);
	past->given_from = flow->window;
	past->given_delivery = past->delivery_mean;
}

/*
 * A queue that goes in a look is this flow's; a short one may have gone by a rival's cut: it looks again.
 * Those who looked together do so together: at the next second, of 2^20 us.
 */
static inline void mcc_weigh_look(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us)
{
	struct mcc_past *past = &flow->past;
	int empty = past->look_after * 8 < past->look_before;

	flow->look_second = empty && flow->look_joint ? (__u32)(now_us >> MCC_SECOND_SHIFT) + 1 : 0;
	if (!flow->rival || !empty || past->look_before <= MCC_LONG_QUEUE) {
		past->look_empty = 0;
	} else if (past->look_before > MCC_CUT_QUEUE || past->look_empty) {
		mcc_end_belief(flow, config, now_us);
	} else {
		past->look_empty = 1;
		if (!flow->look_second)
			flow->probe_countdown = MCC_LOOK_LEAST * MCC_ONE;
	}
}

/* What a look has shown; those that show nothing become rare. */
static inline void mcc_note_look(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us)
{
	struct mcc_past *past = &flow->past;
	int falls;

	past->look_after = (__u32)mcc_queue_of(flow, config, flow->least_us);
	past->look_age = 0;
	falls = past->look_after * 2 < past->look_before;
	/* A round trip that a look can change does not stay. */
	if (past->look_after * 16ULL < past->look_before * 15ULL)
		past->stay_rounds = 0;
	if (falls)
		flow->look_rounds = MCC_LOOK_ROUNDS;
	else if (flow->look_rounds < MCC_LOOK_MOST)
		flow->look_rounds *= 2;
	if (flow->look_joint)
		flow->look_every = falls ? 1 :
				   flow->look_every < MCC_TOGETHER_MOST ? flow->look_every * 2 :
									  MCC_TOGETHER_MOST;
	mcc_weigh_look(flow, config, now_us);
	flow->look_joint = 0;
	/* It has found a shorter path: there may be more to find. */
	if (flow->base_us + flow->base_us / 16 < flow->look_base_us &&
	    flow->probe_countdown > MCC_LOOK_AGAIN * MCC_ONE)
		flow->probe_countdown = MCC_LOOK_AGAIN * MCC_ONE;
}

/* 1 while the interval that ends belongs to a look. */
static inline int mcc_is_looking(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us)
{
	__u32 before = flow->probing;

	if (!before)
		return 0;
	flow->probing -= flow->step_q16 < before ? flow->step_q16 : before;
	if (flow->least_us < flow->past.least_us[0])
		flow->past.least_us[0] = flow->least_us;
	if (flow->probing > MCC_ONE)
		return 1;
	if (before > MCC_ONE)
		mcc_note_look(flow, config, now_us);
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

/*
 * Flows of a host that see a queue look together now and then: if all believe in a rival and none is there,
 * all see it. Epochs between that are powers of two, so that those who look less often meet the others.
 */
static inline void mcc_look_together(struct mcc_flow *flow, __s32 latency, __u64 now_us)
{
	__u32 epoch = (__u32)(now_us >> MCC_TOGETHER_SHIFT);
	int due = epoch != flow->look_epoch && !(epoch & (flow->look_every - 1));

	if (flow->look_second && (now_us >> MCC_SECOND_SHIFT) >= flow->look_second) {
		flow->look_second = 0;
		due = 1;
	}
	flow->look_epoch = epoch;
	if (!due || (!flow->rival && latency <= MCC_ONE + MCC_SMALL_QUEUE))
		return;
	flow->probe_countdown = 0;
	flow->look_joint = 1;
}

#endif /* MEDULLA_CONGESTION_BELIEF_H */
