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

#include "congestion_rival.h"

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
	flow->base_us = min_rtt_us;
	flow->phase = MCC_START;
	flow->full_rounds = 0;
	flow->drain_rounds = 0;
	flow->bad_intervals = 0;
	flow->good_intervals = 0;
	flow->guard_events = 0;
	flow->decisions = 0;
	flow->step_q16 = MCC_ONE;
	flow->probe_countdown = MCC_PROBE_FIRST * MCC_ONE;
	flow->probing = 0;
	flow->intervals = 0;
	flow->srtt_us = (__u32)rtt;
	flow->rival = 0;
	flow->verdict = config->rival_leave_q16;
	flow->rival_events = 0;
	flow->look_rounds = MCC_LOOK_ROUNDS;
	flow->look_every = 1;
	flow->look_joint = 0;
	flow->look_second = 0;
	flow->batch_us = 0;
	flow->batch_least_us = ~0U;
	flow->batch_intervals = 0;
	flow->ack_us = now_us;
	flow->look_epoch = (__u32)(now_us >> MCC_TOGETHER_SHIFT);
	flow->mark_cut_us = 0;
	flow->shadow.cut_us = now_us;
	mcc_shadow_start(flow, now_us, (__u64)window << MCC_SHADOW_SHIFT, 0);
	mcc_past_init(flow);
	__builtin_memset(&flow->policer, 0, sizeof(flow->policer));
	for (int i = 0; i < MCC_HISTORY; i++) {
		flow->features[3 * i] = 0;
		flow->features[3 * i + 1] = MCC_ONE;
		flow->features[3 * i + 2] = MCC_ONE;
	}
	for (int i = MCC_RECENT; i < MCC_FEATURES; i++)
		flow->features[i] = 0;
	mcc_begin_interval(flow, config, now_us, (__u32)rtt);
	mcc_set_rate(flow, config,
		     ((__u64)window * flow->packet_bytes * 1000000 / rtt) * MCC_START_GAIN_Q8 >> 8);
	if (flow->window < window)
		flow->window = window;
}

/* The start anew, from the rate of now. */
static inline void mcc_restart(struct mcc_flow *flow)
{
	flow->phase = MCC_START;
	flow->bandwidth_max = 0;
	flow->bandwidth_full = 0;
	flow->full_rounds = 0;
	flow->probing = 0;
}

/* One interval of the start: follow the delivery rate upwards; 1 when the start has ended. */
static inline int mcc_start_interval(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us,
				     __s32 latency)
{
	__u64 gone = (__u64)flow->lost + flow->marked, flying;
	/* Random loss must not end the start, and what overflows a buffer is far more than 10%. */
	int lossy = (gone >= 8 && gone * 10 > flow->acked + gone) ||
		    (flow->marked && config->ecn == MCC_ECN_CLASSIC);
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
	flying = flow->bandwidth_max * mcc_mean_rtt_us(flow) / 1000000;
	flying = (flying << MCC_SHADOW_SHIFT) / flow->packet_bytes;
	mcc_shadow_start(flow, now_us, lossy ? flying * 7 / 10 : flying, flying);
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
	flow->past.standing = 0;
	flow->past.loss_share = 0; /* what the start has lost says nothing of the path */
	mcc_set_rate(flow, config, flow->bandwidth_max * 15 / 16);
}

/* Ends the interval: features, phase. Returns 1 when the network is to decide. */
static inline int mcc_end_interval(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us)
{
	__u64 elapsed = now_us - flow->interval_start_us;
	__s32 latency = mcc_latency_ratio(flow, config), before = flow->past.queue;

	if (mcc_is_looking(flow, config, now_us))
		return 0;
	mcc_push_features(flow, mcc_latency_inflation(flow, elapsed), latency, mcc_send_ratio(flow, config));
	if (elapsed)
		flow->delivery_rate = mcc_bandwidth(flow->acked, flow->packet_bytes, elapsed);
	mcc_past_note(flow, config);
	if (flow->phase == MCC_START) {
		mcc_start_interval(flow, config, now_us, latency);
		return 0;
	}
	if (flow->phase == MCC_DRAIN) {
		mcc_drain_interval(flow, config, latency);
		return 0;
	}
	mcc_watch(flow, config, now_us, before, latency);
	if (flow->phase == MCC_GUARD) {
		mcc_guard_interval(flow, config, latency);
		return 0;
	}
	if (mcc_path_has_grown(flow, config)) {
		mcc_restart(flow);
		return 0;
	}
	flow->bad_intervals = mcc_interval_is_bad(flow, config, latency) ? flow->bad_intervals + 1 : 0;
	if (config->guard_intervals && flow->bad_intervals >= config->guard_intervals) {
		mcc_enter_guard(flow, config);
		return 0;
	}
	mcc_watch_losses(flow, config, latency);
	mcc_past_features(flow, config);
	return 1;
}

/* An action is meant for a round trip; in an interval that is shorter only its share of it is taken. */
static inline __u32 mcc_step(const struct mcc_config *config, __u64 elapsed_us, __u32 srtt_us)
{
	if (config->interval_fraction_q8 >= 256 || elapsed_us >= srtt_us)
		return MCC_ONE;
	return (__u32)((elapsed_us << 16) / srtt_us);
}

/* Over which time packets came. Batches move its ends by up to one: what that explains was not there. */
static inline __u32 mcc_receive_us(const struct mcc_flow *flow, const struct mcc_ack *ack)
{
	__u32 longer = ack->receive_us > ack->send_us ? ack->receive_us - ack->send_us : 0;
	__u32 shorter = ack->send_us > ack->receive_us ? ack->send_us - ack->receive_us : 0;

	if (longer)
		return ack->receive_us - (longer < flow->batch_us ? longer : flow->batch_us);
	return ack->receive_us + (shorter < flow->batch_us ? shorter : flow->batch_us);
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
	flow->acked += ack->acked;
	flow->lost += ack->lost;
	flow->marked += ack->marked;
	flow->app_limited += ack->app_limited ? ack->acked : 0;
	if (ack->rtt_us) {
		int half = elapsed >= flow->interval_us / 2;

		if (!flow->base_us || ack->rtt_us < flow->base_us)
			flow->base_us = ack->rtt_us;
		if (ack->rtt_us < flow->least_us)
			flow->least_us = ack->rtt_us;
		if (ack->rtt_us > flow->most_us)
			flow->most_us = ack->rtt_us;
		if (ack->now_us - flow->ack_us > flow->gap_us)
			flow->gap_us = (__u32)mcc_clamp(ack->now_us - flow->ack_us, 0, MCC_INTERVAL_LIMIT_US);
		flow->ack_us = ack->now_us;
		flow->rtt_sum_us[half] += ack->rtt_us;
		flow->rtt_count[half]++;
	}
	if (ack->lost || ack->marked)
		mcc_on_congestion(flow, config, ack);
	if (ack->delivered && ack->send_us && ack->receive_us) {
		__u64 span = ack->send_us > ack->receive_us ? ack->send_us : ack->receive_us;
		__u64 bandwidth = mcc_bandwidth(ack->delivered, flow->packet_bytes, span);

		/* Over less than the floor it is the host that spaces the packets. */
		if (ack->send_us >= config->rtt_floor_us && ack->receive_us >= config->rtt_floor_us) {
			flow->send_sum_us += ack->send_us;
			flow->receive_sum_us += mcc_receive_us(flow, ack);
		}
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
	mcc_note_interval(flow, elapsed);
	mcc_note_batches(flow, config);
	flow->step_q16 = mcc_step(config, elapsed, ack->srtt_us);
	/* What a mostly idle sender measures is the application, not the path. */
	if (flow->app_limited * 2ULL <= flow->acked)
		decide = mcc_end_interval(flow, config, ack->now_us);
	mcc_begin_interval(flow, config, ack->now_us, ack->srtt_us);
	return decide;
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

/*
 * Applies the network's outputs (q16): the action, rate * (1 + a/40), or rate / (1 - a/40) below 0, and the
 * verdict, above 0 where others fill the queue who do not give way; MCC_NO_VERDICT of a network without one.
 */
static inline void mcc_act(struct mcc_flow *flow, const struct mcc_config *config, __s64 action,
			   __s64 verdict)
{
	__s64 limit = (__s64)mcc_clamp(config->action_limit_q16, 0, MCC_ACTION_MAX);
	__u64 rate, ceiling, size;

	if (flow->phase != MCC_STEER)
		return;
	action = action > limit ? limit : action < -limit ? -limit : action;
	/* In q24, because the share of one acknowledgement may be tiny. */
	size = ((__u64)(action < 0 ? -action : action) * flow->step_q16 >> 8) / MCC_ACTION_STEP;
	if (action >= 0)
		rate = flow->rate * ((1ULL << 24) + size) >> 24;
	else
		rate = (flow->rate << 24) / ((1ULL << 24) + size);
	rate += mcc_fair_growth(flow, config) * flow->step_q16 >> 16;
	/* A rate that the path does not take up is no estimate of it: do not let it run away. */
	ceiling = flow->delivery_rate * MCC_HEADROOM;
	if (rate > flow->rate && rate > ceiling)
		rate = ceiling > flow->rate ? ceiling : flow->rate;
	if (flow->policer.ceiling && !flow->rival && rate > flow->policer.ceiling)
		rate = flow->policer.ceiling;
	flow->decisions++;
	mcc_judge(flow, config, verdict);
	mcc_set_rate(flow, config, rate);
	if (flow->probe_countdown > flow->step_q16)
		flow->probe_countdown -= flow->step_q16;
	else
		mcc_start_look(flow, config);
}

/* A retransmission timeout: what was measured is stale, half the rate is the safe guess. */
static inline void mcc_on_timeout(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us,
				  __u32 srtt_us)
{
	if (flow->phase == MCC_START || flow->phase == MCC_DRAIN)
		flow->phase = MCC_STEER;
	flow->probing = 0;
	mcc_shadow_start(flow, now_us, flow->shadow.window / 2, flow->shadow.window);
	mcc_set_rate(flow, config, flow->rate / 2);
	mcc_begin_interval(flow, config, now_us, srtt_us);
}

/*
 * Sending begins again after idle_us: old samples do not count, and a long pause means a new probe. On a
 * short path or with a small window nothing is in flight between one paced burst and the next: no pause.
 */
static inline void mcc_on_restart(struct mcc_flow *flow, const struct mcc_config *config, __u64 now_us,
				  __u32 srtt_us, __u64 idle_us)
{
	if (idle_us <= srtt_us + 2 * mcc_own_us(flow))
		return;
	mcc_begin_interval(flow, config, now_us, srtt_us);
	if (idle_us < MCC_RESTART_IDLE_US || idle_us < 16ULL * srtt_us || flow->phase == MCC_GUARD)
		return;
	mcc_restart(flow);
	flow->rival = 0;
	flow->verdict = config->rival_leave_q16;
	mcc_set_rate(flow, config, flow->rate / 2);
}

#endif /* MEDULLA_CONGESTION_CONTROL_H */
