/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Features of more than the last ten intervals: what tells a rival's queue from our own, a longer path from a
 * queue, loss by congestion from loss by chance.
 */
#ifndef MEDULLA_CONGESTION_PAST_H
#define MEDULLA_CONGESTION_PAST_H

#include "congestion_shadow.h"

enum mcc_past_feature {
	MCC_PAST_LEAST,	    /* queue of the least round trip of 32 to 64 intervals, in empty round trips */
	MCC_PAST_RANGE,	    /* its largest mean less its least, the same way */
	MCC_PAST_WINDOW,    /* window over its recent peak */
	MCC_PAST_DELIVERY,  /* delivery rate over its recent peak */
	MCC_PAST_QUEUE_BY,  /* correlation of changes of window and queue, -1 to 1 */
	MCC_PAST_DELIVERY_BY, /* what the delivery rate follows of changes of the window, -2 to 2 */
	MCC_PAST_LOSS,	    /* share of packets lost, over some 16 intervals */
	MCC_PAST_LOSS_PLACE, /* where in the queue's range they were lost, 0 to 1 */
	MCC_PAST_MARKS,	    /* share of packets marked, the same way */
	MCC_PAST_SHADOW,    /* shadow over window, at most 4 */
	MCC_PAST_STANDING,  /* round trips since the queue was small, over 64, at most 1 */
	MCC_PAST_AGE,	    /* of the least round trip of all, in the same way over 256 */
	MCC_PAST_BEFORE,    /* queue before the last look at the empty path, at most 4 */
	MCC_PAST_AFTER,	    /* and in it */
	MCC_PAST_LOOK_AGE,  /* round trips since the look, over 64, at most 1 */
	MCC_PAST_VERDICT,   /* mean of the verdicts so far, -4 to 4 */
	MCC_PAST_PACKETS,   /* log2 of the window in packets, over 16 */
	MCC_PAST_PATH,	    /* log2 of the empty round trip in us, over 16 */
	MCC_PAST_GIVEN,	    /* window over the largest since the queue was small */
	MCC_PAST_TAKEN,	    /* delivery rate over that at that window, at most 2 */
};

_Static_assert(MCC_PAST_TAKEN + 1 == MCC_PAST, "each feature of the past has its place");

/* log2 with 8 fraction bits, between powers of two on a straight line; 0 of 0. */
static inline __u32 mcc_log2_q8(__u64 value)
{
	__u32 whole = 0;

	value |= !value;
	for (int step = 32; step; step >>= 1) {
		__u32 add = value >> (whole + step) ? step : 0;

		whole += add;
	}
	return (whole << 8) + (__u32)(((value << (63 - whole)) >> 55) & 0xff);
}

static inline __s32 mcc_bounded(__s64 value, __s64 low, __s64 high)
{
	return (__s32)(value < low ? low : value > high ? high : value);
}

static inline __s32 mcc_signed_ratio(__s64 part, __u64 whole, __u64 most)
{
	__u64 size = (__u64)(part < 0 ? -part : part);
	__s32 ratio = (__s32)mcc_clamp((size << 16) / (whole ? whole : 1), 0, most);

	return part < 0 ? -ratio : ratio;
}

/* The integer square root, rounded down; 16 steps for any 32-bit value. Without branches: each would
 * double the states that the kernel's verifier has to walk. */
static inline __u32 mcc_square_root(__u32 value)
{
	__u64 root = 0;

	for (int bit = 15; bit >= 0; bit--) {
		__u64 trial = root | (1ULL << bit);
		__u64 too_large = (__u64)((__s64)(value - trial * trial) >> 63); /* all ones, or 0 */

		__asm__("" : "+r"(too_large)); /* keeps the compiler from making it a branch again */
		root |= (1ULL << bit) & ~too_large;
	}
	return (__u32)root;
}

/* A mean over some 16 values. */
static inline __s32 mcc_mean16(__s32 mean, __s64 value)
{
	return mean + (__s32)((value - mean) >> 4);
}

/* Queueing delay of a round trip in empty round trips, q16; at most 16. */
static inline __s32 mcc_queue_of(const struct mcc_flow *flow, const struct mcc_config *config, __u64 rtt_us)
{
	__u64 base = mcc_base_rtt(flow, config);

	return (__s32)mcc_clamp((mcc_queue_us(flow, config, rtt_us) << 16) / base, 0, 16 * MCC_ONE);
}

static inline void mcc_past_init(struct mcc_flow *flow)
{
	struct mcc_past *past = &flow->past;

	__builtin_memset(past, 0, sizeof(*past));
	past->least_us[0] = ~0U;
	past->least_us[1] = ~0U;
	past->loss_place = MCC_ONE / 2;
}

static inline __u32 mcc_past_least(const struct mcc_past *past)
{
	return past->least_us[0] < past->least_us[1] ? past->least_us[0] : past->least_us[1];
}

static inline __u32 mcc_past_most(const struct mcc_past *past)
{
	return past->most_us[0] > past->most_us[1] ? past->most_us[0] : past->most_us[1];
}

static inline void mcc_past_extremes(struct mcc_flow *flow, __u32 mean_us)
{
	struct mcc_past *past = &flow->past;

	if (++past->bucket > MCC_BUCKET) {
		past->bucket = 1;
		past->least_us[1] = past->least_us[0];
		past->most_us[1] = past->most_us[0];
		past->least_us[0] = ~0U;
		past->most_us[0] = 0;
	}
	if (flow->least_us < past->least_us[0])
		past->least_us[0] = flow->least_us;
	if (mean_us > past->most_us[0])
		past->most_us[0] = mean_us;
	past->window_peak -= past->window_peak >> 6;
	if (flow->window > past->window_peak)
		past->window_peak = flow->window;
	past->delivery_peak -= past->delivery_peak >> 6;
	if (flow->last.delivery_rate > past->delivery_peak)
		past->delivery_peak = flow->last.delivery_rate;
}

/* Changes of the window against those of queue and delivery rate one interval later, when they show. */
static inline void mcc_past_changes(struct mcc_flow *flow, __s32 queue)
{
	struct mcc_past *past = &flow->past;
	__u32 window = mcc_log2_q8((__u64)flow->window << 8);
	__u32 delivery = mcc_log2_q8(flow->last.delivery_rate);
	__s64 change = past->window_change;
	__s64 queued = mcc_bounded(queue - past->queue, -MCC_ONE, MCC_ONE);
	__s64 delivered = mcc_bounded(((__s64)delivery - past->delivery_log) << 8, -MCC_ONE, MCC_ONE);

	if (past->window_log) {
		past->window_queue = mcc_mean16(past->window_queue, change * queued >> 12);
		past->window_delivery = mcc_mean16(past->window_delivery, change * delivered >> 12);
		past->window_square = (__u32)mcc_mean16((__s32)past->window_square, change * change >> 12);
		past->queue_square = (__u32)mcc_mean16((__s32)past->queue_square, queued * queued >> 12);
		past->window_change =
			mcc_bounded(((__s64)window - past->window_log) << 8, -MCC_ONE, MCC_ONE);
	}
	past->window_log = window;
	past->delivery_log = delivery;
	past->queue = queue;
}

static inline void mcc_past_losses(struct mcc_flow *flow, __u32 mean_us)
{
	struct mcc_past *past = &flow->past;
	__u64 sent = (__u64)flow->acked + flow->lost;
	__u64 least = mcc_past_least(past), most = mcc_past_most(past);
	__u64 lost = ((__u64)flow->lost << 16) / (sent ? sent : 1);
	__u64 marked = ((__u64)flow->marked << 16) / (sent ? sent : 1);

	past->loss_share = (__u32)mcc_mean16((__s32)past->loss_share, (__s64)lost);
	past->mark_share = (__u32)mcc_mean16((__s32)past->mark_share, (__s64)mcc_clamp(marked, 0, MCC_ONE));
	if (flow->lost && most > least) {
		__u64 place = mean_us > least ? ((mean_us - least) << 16) / (most - least) : 0;

		past->loss_place += (__s32)(mcc_clamp(place, 0, MCC_ONE) - past->loss_place) / 4;
	}
}

static inline __s32 mcc_ratio(__u64 part, __u64 whole, __u64 most)
{
	return (__s32)mcc_clamp((part << 16) / (whole ? whole : 1), 0, most);
}

/* What a round trip that is about the same differs by at most. */
static inline __u32 mcc_stay_most(const struct mcc_past *past)
{
	return past->stay_us / 16 + 500;
}

/* For how long the round trip has been about the same. */
static inline void mcc_past_stay(struct mcc_flow *flow, __u32 mean_us)
{
	struct mcc_past *past = &flow->past;
	__u32 away = mean_us > past->stay_us ? mean_us - past->stay_us : past->stay_us - mean_us;

	if (!past->stay_rounds || away > mcc_stay_most(past)) {
		past->stay_us = mean_us;
		past->stay_rounds = 1;
		past->stay_window = flow->window;
		past->stay_delivery = past->delivery_mean;
		return;
	}
	past->stay_rounds = (__u32)mcc_clamp((__u64)past->stay_rounds + flow->step_q16, 0, 1 << 30);
	if (flow->window > past->stay_window)
		past->stay_window = flow->window;
	/* Where packets are lost, or marked, a full queue may stay the same too. */
	if (flow->lost || flow->marked || past->delivery_mean < past->stay_delivery)
		past->stay_delivery = past->delivery_mean;
}

/* Takes in the interval that ends. */
MCC_APART int mcc_past_note(struct mcc_flow *flow, const struct mcc_config *config)
{
	struct mcc_past *past;
	__u32 mean_us;
	__s32 queue;

	if (!flow || !config)
		return 0;
	past = &flow->past;
	mean_us = flow->last.rtt_us;
	queue = mcc_queue_of(flow, config, mean_us);
	mcc_past_extremes(flow, mean_us);
	mcc_past_changes(flow, queue);
	mcc_past_losses(flow, mean_us);
	past->age = flow->least_us <= flow->base_us + flow->base_us / 32 ?
			    0 : (__u32)mcc_clamp((__u64)past->age + flow->step_q16, 0, 1 << 30);
	past->look_age = (__u32)mcc_clamp((__u64)past->look_age + flow->step_q16, 0, 1 << 30);
	past->standing = queue <= MCC_SMALL_QUEUE && !flow->lost ?
				 0 : (__u32)mcc_clamp((__u64)past->standing + flow->step_q16, 0, 1 << 30);
	if (past->given_from <= flow->window) {
		past->given_from = flow->window;
		past->given_delivery = flow->delivery_rate;
	} else if (queue <= MCC_SMALL_QUEUE) {
		past->given_from -= (past->given_from - flow->window) >> MCC_SHADOW_SINK;
		if (past->given_delivery > flow->delivery_rate)
			past->given_delivery -=
				(past->given_delivery - flow->delivery_rate) >> MCC_SHADOW_SINK;
	}
	past->doubt_rounds -= past->doubt_rounds > flow->step_q16 ? flow->step_q16 : past->doubt_rounds;
	past->delivery_mean += flow->delivery_rate / 8 - past->delivery_mean / 8;
	mcc_past_stay(flow, mean_us);
	return 1;
}

/* Writes the features of the past. */
MCC_APART int mcc_past_features(struct mcc_flow *flow, const struct mcc_config *config)
{
	const struct mcc_past *past;
	__s32 *features;
	__u64 least, product;
	__u32 scale;

	if (!flow || !config)
		return 0;
	past = &flow->past;
	features = flow->features + MCC_RECENT;
	least = mcc_past_least(past);
	features[MCC_PAST_LEAST] = least == ~0U ? 0 : mcc_queue_of(flow, config, least);
	features[MCC_PAST_RANGE] = mcc_queue_of(flow, config, mcc_past_most(past)) - features[MCC_PAST_LEAST];
	features[MCC_PAST_WINDOW] = mcc_ratio(flow->window, past->window_peak, MCC_ONE);
	features[MCC_PAST_DELIVERY] = mcc_ratio(flow->delivery_rate, past->delivery_peak, MCC_ONE);
	product = (__u64)past->window_square * past->queue_square >> 8;
	scale = mcc_square_root((__u32)mcc_clamp(product, 0, ~0U));
	features[MCC_PAST_QUEUE_BY] = mcc_signed_ratio(past->window_queue >> 4, scale + 16, MCC_ONE);
	features[MCC_PAST_DELIVERY_BY] = mcc_signed_ratio(
		past->window_delivery, past->window_square + 256, 2 * MCC_ONE);
	features[MCC_PAST_LOSS] = (__s32)past->loss_share;
	features[MCC_PAST_LOSS_PLACE] = (__s32)past->loss_place;
	features[MCC_PAST_MARKS] = (__s32)past->mark_share;
	features[MCC_PAST_SHADOW] =
		mcc_ratio(flow->shadow.window >> MCC_SHADOW_SHIFT, flow->window, 4 * MCC_ONE);
	features[MCC_PAST_STANDING] = (__s32)mcc_clamp(past->standing >> 6, 0, MCC_ONE);
	features[MCC_PAST_AGE] = (__s32)mcc_clamp(past->age >> 8, 0, MCC_ONE);
	features[MCC_PAST_BEFORE] = (__s32)mcc_clamp(past->look_before, 0, 4 * MCC_ONE);
	features[MCC_PAST_AFTER] = (__s32)mcc_clamp(past->look_after, 0, 4 * MCC_ONE);
	features[MCC_PAST_LOOK_AGE] = (__s32)mcc_clamp(past->look_age >> 6, 0, MCC_ONE);
	features[MCC_PAST_VERDICT] = flow->verdict;
	features[MCC_PAST_PACKETS] = (__s32)mcc_log2_q8(flow->window) << 4;
	features[MCC_PAST_PATH] = (__s32)mcc_log2_q8(mcc_base_rtt(flow, config)) << 4;
	features[MCC_PAST_GIVEN] = mcc_ratio(flow->window, past->given_from, MCC_ONE);
	features[MCC_PAST_TAKEN] = mcc_ratio(flow->delivery_rate, past->given_delivery, 2 * MCC_ONE);
	return 1;
}

#endif /* MEDULLA_CONGESTION_PAST_H */
