/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * The congestion controller around the network: monitor intervals, features, the start, the guard,
 * and the way from an action to a pacing rate and a window.
 *
 * The kernel program and the simulator compile this same file, so a policy is trained on exactly the
 * arithmetic that it will meet. Integers only; no kernel type, no clock, no map: all time comes in
 * with the acknowledgement. Times are in microseconds, rates in bytes of payload a second, windows in
 * packets, ratios in fixed point with 16 fraction bits ("q16").
 *
 * Features are Aurora's (Jay et al., ICML 2019): latency inflation, latency ratio and send ratio of
 * the last ten intervals, oldest first.
 */
#ifndef MEDULLA_CONGESTION_CONTROL_H
#define MEDULLA_CONGESTION_CONTROL_H

#include <linux/types.h>

#define MCC_HISTORY 10
#define MCC_FEATURES_PER_INTERVAL 3
#define MCC_FEATURES (MCC_HISTORY * MCC_FEATURES_PER_INTERVAL)

#define MCC_ONE (1 << 16)			   /* 1.0 in q16 */
#define MCC_INFLATION_MIN (-1 * MCC_ONE)	   /* clip of the latency inflation */
#define MCC_INFLATION_MAX (10 * MCC_ONE)
#define MCC_LATENCY_RATIO_MAX (10000LL * MCC_ONE)
#define MCC_SEND_RATIO_MAX (1000LL * MCC_ONE)
#define MCC_ACTION_STEP 40			   /* 1 / 0.025: Aurora's step of the rate for one unit of action */

#define MCC_START_GAIN_Q8 739			   /* 2 / ln 2: doubles the delivery rate in a round trip */
#define MCC_START_WINDOW_GAIN_Q8 178		   /* of that rate: two bandwidth-delay products */
#define MCC_START_INTERVALS 4			   /* intervals of the start in a round trip: it must end in time */
#define MCC_START_FULL_INTERVALS 12		   /* intervals without 25% of growth that end the start */
#define MCC_DRAIN_ROUNDS 4			   /* most intervals that the queue of the start may take to drain */
#define MCC_PROBE_INTERVALS 64			   /* intervals from one look at the empty path to the next */
#define MCC_PROBE_FIRST 8			   /* intervals to the first */
#define MCC_RESTART_IDLE_US 1000000		   /* idleness after which the rate is probed anew */
#define MCC_WINDOW_MIN 4
#define MCC_WINDOW_MAX (1 << 24)
#define MCC_OWN_PACKETS 3			   /* smallest burst of segmentation offload, and a delayed ACK */
#define MCC_OWN_SHIFT 10			   /* largest burst: this fraction of a second of data */
#define MCC_HEADROOM 2				   /* most that the rate may exceed what the path delivers */
#define MCC_RATE_FLOOR 125			   /* 1 kb/s */
#define MCC_RATE_CEILING 12500000000ULL		   /* 100 Gb/s */
#define MCC_INTERVAL_LIMIT_US 60000000		   /* 1 min: the longest planned interval */

enum mcc_phase {
	MCC_START = 0, /* doubles each round trip until the first losses or delay */
	MCC_DRAIN = 1, /* empties the queue that the start has built */
	MCC_STEER = 2, /* the network decides */
	MCC_GUARD = 3, /* a conservative window rule, until the path has recovered */
};

/* What an operator sets; the same for all flows of an instance. */
struct mcc_config {
	__u64 rate_min;		    /* bytes/s */
	__u64 rate_max;		    /* bytes/s */
	__u32 interval_fraction_q8; /* monitor interval in smoothed round-trip times; 0: every ACK */
	__u32 interval_min_us;
	__u32 interval_min_packets; /* delivered packets that an interval needs at least */
	__u32 rtt_floor_us;	    /* round trips below it are judged as if they were this long */
	__u32 action_limit_q16;	    /* |action| is clamped to it */
	__u32 fairness_q16;	    /* growth per interval is fairness / sqrt(window + fairness_window) */
	__u32 fairness_window;
	__u32 window_gain_q8;	    /* window in bandwidth-delay products */
	__u32 guard_loss_q16;	    /* share of packets lost in an interval that counts against the network */
	__u32 guard_latency_q16;    /* latency ratio that counts against it */
	__u32 guard_intervals;	    /* that many such intervals in a row trip the guard */
	__u32 guard_recovery;	    /* that many clean ones in a row release it */
};

/* What one acknowledgement says. */
struct mcc_ack {
	__u64 now_us;
	__u32 rtt_us;	     /* 0: no sample */
	__u32 min_rtt_us;    /* the connection's minimum; 0 before the first sample */
	__u32 srtt_us;	     /* 0 before the first sample */
	__u32 delivered;     /* packets of the rate sample; 0: no valid sample */
	__u32 send_us;	     /* the time over which those packets were sent */
	__u32 receive_us;    /* the time over which they were delivered */
	__u32 acked;	     /* packets newly delivered */
	__u32 lost;	     /* packets newly taken for lost */
	__u32 marked;	     /* packets newly reported with congestion experienced */
	__u32 in_flight;     /* packets */
	__u32 packet_bytes;  /* payload of a full packet */
	__u32 app_limited;   /* 1: the sender had nothing to send */
};

struct mcc_flow {
	__u64 rate;		/* bytes/s; what pacing uses */
	__u64 interval_start_us;
	__u64 bandwidth_max;	/* bytes/s; the largest delivery rate seen in the start */
	__u64 bandwidth_full;	/* bytes/s; what the growth of the start is judged against */
	__u64 delivery_rate;	/* bytes/s in the last interval that counted */
	__u64 rtt_sum_us[2];	/* by half of the interval */
	__u64 send_sum_us;
	__u64 receive_sum_us;
	__u32 rtt_count[2];
	__u32 interval_us;	/* planned length */
	__u32 acked;
	__u32 lost;
	__u32 marked;
	__u32 app_limited;	/* packets acked of those sent while the application had nothing more */
	__u32 packet_bytes;
	__u32 min_rtt_us;
	__u32 window;		/* packets */
	__u32 phase;
	__u32 full_rounds;
	__u32 drain_rounds;
	__u32 bad_intervals;
	__u32 good_intervals;
	__u32 guard_events;
	__u32 decisions;
	__u32 probe_countdown; /* intervals to the next look at the empty path */
	__u32 probing;	       /* intervals that the look still takes: 2, 1, 0 */
	__s32 features[MCC_FEATURES]; /* q16, oldest interval first */
};

static inline void mcc_default_config(struct mcc_config *config)
{
	config->rate_min = 15000; /* 120 kb/s: below it feedback is too slow to learn from */
	config->rate_max = MCC_RATE_CEILING;
	config->interval_fraction_q8 = 256;
	config->interval_min_us = 1000;
	config->interval_min_packets = 4;
	config->rtt_floor_us = 1000;
	config->action_limit_q16 = 10 * MCC_ONE;
	config->fairness_q16 = MCC_ONE / 2;
	config->fairness_window = 60;
	config->window_gain_q8 = 256;
	config->guard_loss_q16 = MCC_ONE / 5;
	config->guard_latency_q16 = 8 * MCC_ONE;
	config->guard_intervals = 4;
	config->guard_recovery = 8;
}

static inline __u64 mcc_clamp(__u64 value, __u64 low, __u64 high)
{
	return value < low ? low : value > high ? high : value;
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

/* How long the flow's own bursts take at its rate: a queue that is no sign of congestion. */
static inline __u64 mcc_own_us(const struct mcc_flow *flow)
{
	__u64 packets = (__u64)flow->packet_bytes * MCC_OWN_PACKETS;
	__u64 burst = flow->rate >> MCC_OWN_SHIFT;

	return (packets > burst ? packets : burst) * 1000000 / (flow->rate ? flow->rate : 1);
}

/*
 * The round trip of an empty path as this flow can see it. Round trips under the floor are dominated by
 * the host, so they are judged from the floor up.
 */
static inline __u64 mcc_base_rtt(const struct mcc_flow *flow, const struct mcc_config *config)
{
	__u64 path = flow->min_rtt_us > config->rtt_floor_us ? flow->min_rtt_us : config->rtt_floor_us;

	return mcc_clamp(path + mcc_own_us(flow), 1, MCC_INTERVAL_LIMIT_US);
}

static inline void mcc_begin_interval(struct mcc_flow *flow, const struct mcc_config *config,
				      __u64 now_us, __u32 srtt_us)
{
	__u64 length = (__u64)srtt_us * config->interval_fraction_q8 >> 8;

	if (flow->phase == MCC_START)
		length /= MCC_START_INTERVALS;
	if (config->interval_fraction_q8)
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

	flow->window = (__u32)mcc_clamp(packets, MCC_WINDOW_MIN, MCC_WINDOW_MAX);
}

static inline void mcc_set_rate(struct mcc_flow *flow, const struct mcc_config *config, __u64 rate)
{
	__u64 low = config->rate_min > MCC_RATE_FLOOR ? config->rate_min : MCC_RATE_FLOOR;
	__u64 high = config->rate_max < MCC_RATE_CEILING ? config->rate_max : MCC_RATE_CEILING;

	flow->rate = mcc_clamp(rate, low, high < low ? low : high);
	mcc_set_window(flow, config);
}

/*
 * A new flow. window: the initial window in packets; srtt_us: from the handshake, 0 if unknown.
 */
static inline void mcc_init(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us,
			    __u32 srtt_us, __u32 min_rtt_us, __u32 window, __u32 packet_bytes)
{
	__u64 rtt = srtt_us ? srtt_us : 1000;

	window = (__u32)mcc_clamp(window, 1, 65535);
	flow->rate = 0;
	flow->bandwidth_max = 0;
	flow->bandwidth_full = 0;
	flow->delivery_rate = 0;
	flow->packet_bytes = packet_bytes ? packet_bytes : 1;
	flow->min_rtt_us = min_rtt_us;
	flow->phase = MCC_START;
	flow->full_rounds = 0;
	flow->drain_rounds = 0;
	flow->bad_intervals = 0;
	flow->good_intervals = 0;
	flow->guard_events = 0;
	flow->decisions = 0;
	flow->probe_countdown = MCC_PROBE_FIRST;
	flow->probing = 0;
	for (int i = 0; i < MCC_HISTORY; i++) {
		flow->features[3 * i] = 0;
		flow->features[3 * i + 1] = MCC_ONE;
		flow->features[3 * i + 2] = MCC_ONE;
	}
	mcc_begin_interval(flow, config, now_us, (__u32)rtt);
	mcc_set_rate(flow, config,
		     ((__u64)window * flow->packet_bytes * 1000000 / rtt) * MCC_START_GAIN_Q8 >> 8);
	if (flow->window < window)
		flow->window = window;
}

static inline __u64 mcc_mean_rtt_us(const struct mcc_flow *flow)
{
	__u64 count = (__u64)flow->rtt_count[0] + flow->rtt_count[1];

	return count ? (flow->rtt_sum_us[0] + flow->rtt_sum_us[1]) / count : 0;
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

/* mean RTT / minimum RTT, both with the flow's own bursts, of which a packet waits for half on average. */
static inline __s32 mcc_latency_ratio(const struct mcc_flow *flow, const struct mcc_config *config)
{
	__u64 base = mcc_base_rtt(flow, config);
	__u64 mean = mcc_mean_rtt_us(flow);
	__u64 empty = flow->min_rtt_us + mcc_own_us(flow) / 2;
	__u64 queueing = mean > empty ? mean - empty : 0;
	__u64 ratio = base ? ((base + queueing) << 16) / base : MCC_ONE;

	return (__s32)mcc_clamp(ratio, MCC_ONE, MCC_LATENCY_RATIO_MAX);
}

/* sending rate / receiving rate of the interval's rate samples; packets lost or marked were only sent. */
static inline __s32 mcc_send_ratio(const struct mcc_flow *flow)
{
	__u64 ratio, gone = (__u64)flow->lost + flow->marked;

	if (!flow->send_sum_us || !flow->receive_sum_us || !flow->acked)
		return MCC_ONE;
	ratio = (flow->receive_sum_us << 16) / flow->send_sum_us;
	ratio = mcc_clamp(ratio, 0, MCC_SEND_RATIO_MAX);
	ratio = ratio * (flow->acked + gone) / flow->acked;
	return (__s32)mcc_clamp(ratio, 0, MCC_SEND_RATIO_MAX);
}

static inline void mcc_push_features(struct mcc_flow *flow, __s32 inflation, __s32 latency, __s32 send)
{
	for (int i = 0; i < MCC_FEATURES - MCC_FEATURES_PER_INTERVAL; i++)
		flow->features[i] = flow->features[i + MCC_FEATURES_PER_INTERVAL];
	flow->features[MCC_FEATURES - 3] = inflation;
	flow->features[MCC_FEATURES - 2] = latency;
	flow->features[MCC_FEATURES - 1] = send;
}

/* One interval of the start: follow the delivery rate upwards; 1 when the start has ended. */
static inline int mcc_start_interval(struct mcc_flow *flow, const struct mcc_config *config, __s32 latency)
{
	__u64 gone = (__u64)flow->lost + flow->marked;
	/* Random loss must not end the start, and what overflows a buffer is far more than 10%. */
	int lossy = gone >= 8 && gone * 10 > flow->acked + gone;
	int delayed = latency > MCC_ONE + MCC_ONE / 4;

	/* No valid rate sample in the whole interval: what it delivered is the only estimate. */
	if (!flow->bandwidth_max)
		flow->bandwidth_max = flow->delivery_rate;
	if (flow->bandwidth_max * 4 >= flow->bandwidth_full * 5) {
		flow->bandwidth_full = flow->bandwidth_max;
		flow->full_rounds = 0;
	} else {
		flow->full_rounds++;
	}
	if (!lossy && !delayed && flow->full_rounds < MCC_START_FULL_INTERVALS)
		return 0;
	flow->phase = MCC_DRAIN;
	flow->drain_rounds = 0;
	mcc_set_rate(flow, config, (flow->bandwidth_max << 8) / MCC_START_GAIN_Q8);
	return 1;
}

static inline void mcc_drain_interval(struct mcc_flow *flow, const struct mcc_config *config, __s32 latency)
{
	flow->drain_rounds++;
	if (latency > MCC_ONE + MCC_ONE / 8 && flow->drain_rounds < MCC_DRAIN_ROUNDS)
		return;
	flow->phase = MCC_STEER;
	mcc_set_rate(flow, config, flow->bandwidth_max * 15 / 16);
}

static inline int mcc_interval_is_bad(const struct mcc_flow *flow, const struct mcc_config *config,
				      __s32 latency)
{
	__u64 sent = (__u64)flow->acked + flow->lost;

	return ((__u64)flow->lost << 16) > sent * config->guard_loss_q16 ||
	       (__u64)latency > config->guard_latency_q16;
}

static inline void mcc_enter_guard(struct mcc_flow *flow, const struct mcc_config *config)
{
	__u64 rate = flow->delivery_rate && flow->delivery_rate < flow->rate ? flow->delivery_rate : flow->rate;

	flow->phase = MCC_GUARD;
	flow->guard_events++;
	flow->good_intervals = 0;
	mcc_set_rate(flow, config, rate / 2);
}

/* The guard's rule: one more packet a round trip while the path is clean, three tenths less when not. */
static inline void mcc_guard_interval(struct mcc_flow *flow, const struct mcc_config *config, __s32 latency)
{
	__u64 sent = (__u64)flow->acked + flow->lost;

	if ((__u64)flow->lost * 50 > sent || latency > 2 * MCC_ONE) {
		flow->good_intervals = 0;
		mcc_set_rate(flow, config, flow->rate * 7 / 10);
		return;
	}
	mcc_set_rate(flow, config,
		     flow->rate + (__u64)flow->packet_bytes * 1000000 / mcc_base_rtt(flow, config));
	if (++flow->good_intervals < config->guard_recovery)
		return;
	flow->phase = MCC_STEER;
	flow->bad_intervals = 0;
}

/* Bytes a second; at most the ceiling. */
static inline __u64 mcc_bandwidth(__u32 packets, __u32 packet_bytes, __u64 span_us)
{
	__u64 bytes = mcc_clamp(packets, 0, MCC_WINDOW_MAX) * packet_bytes;

	return mcc_clamp(bytes * 1000000 / span_us, 0, MCC_RATE_CEILING);
}

/*
 * A flow that joins others never sees the path empty, would take their queue for part of it, and push harder
 * than they do. So every flow now and then gives way for one interval, by its share of the queue and half
 * of its window, and what is measured then and in the interval after counts only for the minimum RTT.
 */
static inline void mcc_start_probe(struct mcc_flow *flow)
{
	__u64 latency = (__u64)flow->features[MCC_FEATURES - 2];
	__u64 window = ((__u64)flow->window << 15) / (latency > MCC_ONE ? latency : MCC_ONE);

	flow->probe_countdown = MCC_PROBE_INTERVALS;
	flow->probing = 2;
	flow->window = (__u32)mcc_clamp(window, MCC_WINDOW_MIN / 2, MCC_WINDOW_MAX);
}

static inline int mcc_is_probing(struct mcc_flow *flow, const struct mcc_config *config)
{
	if (!flow->probing)
		return 0;
	flow->probing--;
	mcc_set_window(flow, config);
	return 1;
}

/* Ends the interval: features, phase. Returns 1 when the network is to decide. */
static inline int mcc_end_interval(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us)
{
	__u64 elapsed = now_us - flow->interval_start_us;
	__s32 latency = mcc_latency_ratio(flow, config);

	if (mcc_is_probing(flow, config))
		return 0;
	mcc_push_features(flow, mcc_latency_inflation(flow, elapsed), latency, mcc_send_ratio(flow));
	if (elapsed)
		flow->delivery_rate = mcc_bandwidth(flow->acked, flow->packet_bytes, elapsed);
	if (flow->phase == MCC_START) {
		mcc_start_interval(flow, config, latency);
		return 0;
	}
	if (flow->phase == MCC_DRAIN) {
		mcc_drain_interval(flow, config, latency);
		return 0;
	}
	if (flow->phase == MCC_GUARD) {
		mcc_guard_interval(flow, config, latency);
		return 0;
	}
	flow->bad_intervals = mcc_interval_is_bad(flow, config, latency) ? flow->bad_intervals + 1 : 0;
	if (config->guard_intervals && flow->bad_intervals >= config->guard_intervals) {
		mcc_enter_guard(flow, config);
		return 0;
	}
	return 1;
}

/*
 * Takes in one acknowledgement. Returns 1 when a monitor interval has ended and the network is to
 * decide: give it `features`, then its output to `mcc_act`.
 */
static inline int mcc_on_ack(struct mcc_flow *flow, const struct mcc_config *config,
			     const struct mcc_ack *ack)
{
	__u64 elapsed = ack->now_us - flow->interval_start_us;
	int decide = 0;

	if (ack->packet_bytes)
		flow->packet_bytes = ack->packet_bytes;
	if (ack->min_rtt_us)
		flow->min_rtt_us = ack->min_rtt_us;
	flow->acked += ack->acked;
	flow->lost += ack->lost;
	flow->marked += ack->marked;
	flow->app_limited += ack->app_limited ? ack->acked : 0;
	if (ack->rtt_us) {
		int half = elapsed >= flow->interval_us / 2;

		flow->rtt_sum_us[half] += ack->rtt_us;
		flow->rtt_count[half]++;
	}
	if (ack->delivered && ack->send_us && ack->receive_us) {
		__u64 span = ack->send_us > ack->receive_us ? ack->send_us : ack->receive_us;
		__u64 bandwidth = mcc_bandwidth(ack->delivered, flow->packet_bytes, span);

		flow->send_sum_us += ack->send_us;
		flow->receive_sum_us += ack->receive_us;
		if (flow->phase == MCC_START && bandwidth > flow->bandwidth_max) {
			__u64 rate = bandwidth * MCC_START_GAIN_Q8 >> 8;

			flow->bandwidth_max = bandwidth;
			if (rate > flow->rate)
				mcc_set_rate(flow, config, rate);
		}
	}
	if (elapsed < flow->interval_us || flow->acked < config->interval_min_packets ||
	    (!flow->rtt_count[0] && !flow->rtt_count[1]))
		return 0;
	/* What a mostly idle sender measures is the application, not the path. */
	if (flow->app_limited * 2ULL <= flow->acked)
		decide = mcc_end_interval(flow, config, ack->now_us);
	mcc_begin_interval(flow, config, ack->now_us, ack->srtt_us);
	return decide;
}

/* The features, oldest interval first, as the network's inputs in q16. */
static inline void mcc_features(const struct mcc_flow *flow, __s64 *features)
{
	for (int i = 0; i < MCC_FEATURES; i++)
		features[i] = flow->features[i];
}

/*
 * Growth that favours small windows: without it flows that see the same queue would all take the same
 * relative step, and an unequal start would stay unequal for ever.
 */
static inline __u64 mcc_fair_growth(const struct mcc_flow *flow, const struct mcc_config *config)
{
	__u64 bytes = flow->rate * mcc_base_rtt(flow, config) / 1000000;
	__u64 window = bytes / (flow->packet_bytes ? flow->packet_bytes : 1) + config->fairness_window;
	/* sqrt(2^8 w) = 16 sqrt(w): four more bits of precision for small windows */
	__u32 root = mcc_square_root((__u32)mcc_clamp(window, 1, MCC_WINDOW_MAX - 1) << 8);

	return (flow->rate * config->fairness_q16 >> 16) * 16 / (root ? root : 1);
}

/* Applies the network's action (q16): rate * (1 + a/40), or rate / (1 - a/40) below 0. */
static inline void mcc_act(struct mcc_flow *flow, const struct mcc_config *config, __s64 action)
{
	__s64 limit = config->action_limit_q16;
	__u64 rate, ceiling;

	if (flow->phase != MCC_STEER)
		return;
	action = action > limit ? limit : action < -limit ? -limit : action;
	if (action >= 0)
		rate = flow->rate * (MCC_ONE + (__u64)action / MCC_ACTION_STEP) >> 16;
	else
		rate = (flow->rate << 16) / (MCC_ONE + (__u64)-action / MCC_ACTION_STEP);
	rate += mcc_fair_growth(flow, config);
	/* A rate that the path does not take up is no estimate of it: do not let it run away. */
	ceiling = flow->delivery_rate * MCC_HEADROOM;
	if (rate > flow->rate && rate > ceiling)
		rate = ceiling > flow->rate ? ceiling : flow->rate;
	flow->decisions++;
	mcc_set_rate(flow, config, rate);
	if (!--flow->probe_countdown)
		mcc_start_probe(flow);
}

/* A retransmission timeout: what was measured is stale, half the rate is the safe guess. */
static inline void mcc_on_timeout(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us,
				  __u32 srtt_us)
{
	if (flow->phase == MCC_START || flow->phase == MCC_DRAIN)
		flow->phase = MCC_STEER;
	flow->probing = 0;
	mcc_set_rate(flow, config, flow->rate / 2);
	mcc_begin_interval(flow, config, now_us, srtt_us);
}

/* Sending begins again after idle_us: old samples do not count, and a long pause means a new probe. */
static inline void mcc_on_restart(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us,
				  __u32 srtt_us, __u64 idle_us)
{
	mcc_begin_interval(flow, config, now_us, srtt_us);
	if (idle_us < MCC_RESTART_IDLE_US || idle_us < 16ULL * srtt_us || flow->phase == MCC_GUARD)
		return;
	flow->phase = MCC_START;
	flow->bandwidth_max = 0;
	flow->bandwidth_full = 0;
	flow->full_rounds = 0;
	flow->probing = 0;
	mcc_set_rate(flow, config, flow->rate / 2);
}

#endif /* MEDULLA_CONGESTION_CONTROL_H */
