/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What a monitor interval measures, as features of the network, and what a rate means: the window that keeps
 * it, and the round trip of an empty path.
 */
#ifndef MEDULLA_CONGESTION_INTERVAL_H
#define MEDULLA_CONGESTION_INTERVAL_H

#include "congestion_state.h"

static inline __u64 mcc_clamp(__u64 value, __u64 low, __u64 high)
{
	return value < low ? low : value > high ? high : value;
}

/* How long the flow's own bursts take at its rate. */
static inline __u64 mcc_burst_us(const struct mcc_flow *flow)
{
	__u64 packets = (__u64)flow->packet_bytes * MCC_OWN_PACKETS;
	__u64 burst = mcc_clamp(flow->rate >> MCC_OWN_SHIFT, 0, MCC_OWN_BYTES);

	return (packets > burst ? packets : burst) * 1000000 / (flow->rate ? flow->rate : 1);
}

/* That, and how long acknowledgements wait for each other: a delay that is no sign of congestion. */
static inline __u64 mcc_own_us(const struct mcc_flow *flow)
{
	return mcc_burst_us(flow) + flow->batch_us;
}

/* The least round trip; those under the floor are dominated by the host, so they are judged from it up. */
static inline __u64 mcc_path_us(const struct mcc_flow *flow, const struct mcc_config *config)
{
	return flow->base_us > config->rtt_floor_us ? flow->base_us : config->rtt_floor_us;
}

/* The round trip of an empty path as this flow can see it. */
static inline __u64 mcc_base_rtt(const struct mcc_flow *flow, const struct mcc_config *config)
{
	return mcc_clamp(mcc_path_us(flow, config) + mcc_own_us(flow), 1, MCC_INTERVAL_LIMIT_US);
}

/*
 * Links such as radio hand on acknowledgements in batches: between them is a gap, and within one the round
 * trip falls by as much, to that of an empty path, for the first has waited longest. Either alone is
 * something else: bursts of the flow, or a queue that changes. What each of some intervals has is the link's.
 */
static inline void mcc_note_batches(struct mcc_flow *flow, const struct mcc_config *config)
{
	__u64 burst = mcc_burst_us(flow);
	__u64 gap = flow->gap_us > burst ? flow->gap_us - burst : 0;
	__u64 range = flow->most_us > flow->least_us ? flow->most_us - flow->least_us : 0;
	__u32 batch = (__u32)mcc_clamp(gap < range ? gap : range, 0, mcc_path_us(flow, config));

	/* A queue that stands hides them, others' bursts in it look like them, and so does a look. */
	if (flow->probing || flow->least_us > flow->base_us + flow->base_us / 16)
		return;
	flow->batch_least_us = batch < flow->batch_least_us ? batch : flow->batch_least_us;
	if (++flow->batch_intervals < MCC_BATCH_INTERVALS)
		return;
	flow->batch_us = flow->batch_least_us;
	flow->batch_least_us = ~0U;
	flow->batch_intervals = 0;
}

static inline void mcc_begin_interval(struct mcc_flow *flow, const struct mcc_config *config,
				      __u64 now_us, __u32 srtt_us)
{
	/* Only steering is as fast as configured; start, drain and guard count round trips. */
	__u32 fraction = flow->phase == MCC_STEER ? config->interval_fraction_q8 : 256;
	__u64 length = (__u64)srtt_us * fraction >> 8;

	if (flow->phase == MCC_START)
		length /= MCC_START_INTERVALS;
	if (fraction)
		length = mcc_clamp(length, config->interval_min_us, MCC_INTERVAL_LIMIT_US);
	flow->interval_start_us = now_us;
	flow->interval_us = (__u32)length;
	flow->rtt_sum_us[0] = 0;
	flow->rtt_sum_us[1] = 0;
	flow->rtt_count[0] = 0;
	flow->rtt_count[1] = 0;
	flow->send_sum_us = 0;
	flow->receive_sum_us = 0;
	flow->acked = 0;
	flow->lost = 0;
	flow->marked = 0;
	flow->app_limited = 0;
	flow->least_us = ~0U;
	flow->most_us = 0;
	flow->gap_us = 0;
	flow->srtt_us = srtt_us;
}

/* What the shadow's window brings with the queue as it is; bytes/s. */
static inline __u64 mcc_shadow_rate(const struct mcc_flow *flow)
{
	__u64 bytes = flow->shadow.window * flow->packet_bytes >> MCC_SHADOW_SHIFT;

	return bytes * 1000000 / (flow->srtt_us ? flow->srtt_us : 1);
}

static inline __u64 mcc_rate_most(const struct mcc_config *config)
{
	return config->rate_max < MCC_RATE_CEILING ? config->rate_max : MCC_RATE_CEILING;
}

/*
 * The window: the product of the rate and the round trip of an empty path, so the rate is kept by the
 * returning acknowledgements too and one unit of action moves the queue by a known share.
 */
static inline void mcc_set_window(struct mcc_flow *flow, const struct mcc_config *config)
{
	__u64 bytes = flow->rate * mcc_base_rtt(flow, config) / 1000000;
	__u64 gain = flow->phase == MCC_START ? MCC_START_WINDOW_GAIN_Q8 : config->window_gain_q8;
	__u64 unit = flow->packet_bytes ? flow->packet_bytes : 1;
	__u64 packets = ((bytes * gain >> 8) + unit - 1) / unit;

	flow->pace = flow->rate;
	if (flow->rival) {
		__u64 shadow = mcc_shadow_rate(flow) * 5 / 4;
		__u64 least = flow->shadow.window >> MCC_SHADOW_SHIFT;

		shadow = shadow < mcc_rate_most(config) ? shadow : mcc_rate_most(config);
		flow->pace = flow->pace > shadow ? flow->pace : shadow;
		packets = packets > least ? packets : least;
	}
	flow->window = (__u32)mcc_clamp(packets, MCC_WINDOW_MIN, MCC_WINDOW_MAX);
}

static inline void mcc_set_rate(struct mcc_flow *flow, const struct mcc_config *config, __u64 rate)
{
	__u64 low = config->rate_min > MCC_RATE_FLOOR ? config->rate_min : MCC_RATE_FLOOR;
	__u64 high = mcc_rate_most(config);

	/* A rival's queue must not take the network's rate away: it may be needed again at any time. */
	if (flow->rival) {
		__u64 shadow = mcc_shadow_rate(flow);

		shadow = shadow < high ? shadow : high;
		low = low > shadow ? low : shadow;
	}
	flow->rate = mcc_clamp(rate, low, high < low ? low : high);
	mcc_set_window(flow, config);
}

/* Bytes a second; at most the ceiling. */
static inline __u64 mcc_bandwidth(__u32 packets, __u32 packet_bytes, __u64 span_us)
{
	__u64 bytes = mcc_clamp(packets, 0, MCC_WINDOW_MAX) * packet_bytes;

	return mcc_clamp(bytes * 1000000 / span_us, 0, MCC_RATE_CEILING);
}

static inline __u64 mcc_mean_rtt_us(const struct mcc_flow *flow)
{
	__u64 count = (__u64)flow->rtt_count[0] + flow->rtt_count[1];

	return count ? (flow->rtt_sum_us[0] + flow->rtt_sum_us[1]) / count : 0;
}

/* Keeps what the interval that ends now was like, before anything is decided from it. */
static inline void mcc_note_interval(struct mcc_flow *flow, __u64 elapsed_us)
{
	flow->last.rate = flow->rate;
	flow->last.delivery_rate =
		elapsed_us ? mcc_bandwidth(flow->acked, flow->packet_bytes, elapsed_us) : 0;
	flow->last.elapsed_us = elapsed_us;
	flow->last.acked = flow->acked;
	flow->last.lost = flow->lost;
	flow->last.marked = flow->marked;
	flow->last.app_limited = flow->app_limited;
	flow->last.rtt_us = (__u32)mcc_mean_rtt_us(flow);
	flow->last.min_rtt_us = flow->base_us;
	flow->intervals++;
}

/* (mean RTT of the second half - mean RTT of the first half) / length of the interval. */
static inline __s32 mcc_latency_inflation(const struct mcc_flow *flow, __u64 elapsed_us)
{
	__u64 first, second, size;
	int falls;

	if (!flow->rtt_count[0] || !flow->rtt_count[1] || !elapsed_us)
		return 0;
	first = flow->rtt_sum_us[0] / flow->rtt_count[0];
	second = flow->rtt_sum_us[1] / flow->rtt_count[1];
	falls = second < first;
	size = ((falls ? first - second : second - first) << 16) / elapsed_us;
	if (falls)
		return size > MCC_ONE ? MCC_INFLATION_MIN : -(__s32)size;
	return size > MCC_INFLATION_MAX ? MCC_INFLATION_MAX : (__s32)size;
}

/* How long a packet of that round trip has waited for others' packets. */
static inline __u64 mcc_queue_us(const struct mcc_flow *flow, const struct mcc_config *config, __u64 rtt_us)
{
	__u64 empty = flow->base_us + mcc_burst_us(flow) / 2 + config->rtt_floor_us / MCC_HOST_SHARE;

	/* Of a batch's first packet; the mean of few batches is any part of it. */
	empty += flow->batch_us;

	return rtt_us > empty ? rtt_us - empty : 0;
}

/*
 * mean RTT / minimum RTT, both with the flow's own bursts, of which a packet waits for half on average. A
 * little delay is the host's.
 */
static inline __s32 mcc_latency_ratio(const struct mcc_flow *flow, const struct mcc_config *config)
{
	__u64 base = mcc_base_rtt(flow, config);
	__u64 queueing = mcc_queue_us(flow, config, mcc_mean_rtt_us(flow));
	__u64 ratio = base ? ((base + queueing) << 16) / base : MCC_ONE;

	return (__s32)mcc_clamp(ratio, MCC_ONE, MCC_LATENCY_RATIO_MAX);
}

/*
 * sending rate / receiving rate of the interval's rate samples; packets lost were only sent, and where marks
 * are accurate packets marked too (a classic mark is repeated on each acknowledgement for a round trip).
 */
static inline __s32 mcc_send_ratio(const struct mcc_flow *flow, const struct mcc_config *config)
{
	__u64 ratio, gone = flow->lost + (config->ecn == MCC_ECN_ACCURATE ? (__u64)flow->marked : 0);

	if (!flow->send_sum_us || !flow->receive_sum_us || !flow->acked)
		return MCC_ONE;
	ratio = (flow->receive_sum_us << 16) / flow->send_sum_us;
	ratio = mcc_clamp(ratio, 0, MCC_SEND_RATIO_MAX);
	ratio = ratio * (flow->acked + gone) / flow->acked;
	return (__s32)mcc_clamp(ratio, 0, MCC_SEND_RATIO_MAX);
}

static inline void mcc_push_features(struct mcc_flow *flow, __s32 inflation, __s32 latency, __s32 send)
{
	for (int i = 0; i < MCC_RECENT - MCC_FEATURES_PER_INTERVAL; i++)
		flow->features[i] = flow->features[i + MCC_FEATURES_PER_INTERVAL];
	flow->features[MCC_RECENT - 3] = inflation;
	flow->features[MCC_RECENT - 2] = latency;
	flow->features[MCC_RECENT - 1] = send;
}

/* The first `count` features as the network's inputs in q16: the last intervals', oldest first; others. */
static inline void mcc_features(const struct mcc_flow *flow, __s64 *features, int count)
{
	for (int i = 0; i < count; i++)
		features[i] = flow->features[i];
}

#endif /* MEDULLA_CONGESTION_INTERVAL_H */
