/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * The shadow: CUBIC's window (RFC 9438: C = 0.4, beta = 0.7), kept beside the network's rate. It starts anew
 * while the queue is small, grows and is cut as CUBIC's would be, and is the least window of a flow that has
 * a rival: one that gave way to CUBIC would be left nothing.
 */
#ifndef MEDULLA_CONGESTION_SHADOW_H
#define MEDULLA_CONGESTION_SHADOW_H

#include "congestion_interval.h"

/* A function that the kernel's verifier walks once, for any input; where there is no verifier, inline. */
#ifdef __bpf__
#define MCC_APART __attribute__((noinline))
#else
#define MCC_APART static inline
#endif

#define MCC_SHADOW_ONE (1ULL << MCC_SHADOW_SHIFT)
#define MCC_CUBE_SCALE 9765625ULL	/* ms^3 for one 256th of a packet: 1e9 / (0.4 * 256) */
#define MCC_SHADOW_MS (1 << 18)		/* longest growth that is told apart, in ms */

/* The integer cube root, rounded down, of values below 2^59; without branches. */
static inline __u64 mcc_cube_root(__u64 value)
{
	__u64 root = 0;

	for (int bit = 19; bit >= 0; bit--) {
		__u64 trial = root | (1ULL << bit);
		__u64 too_large = (__u64)((__s64)(value - trial * trial * trial) >> 63);

		__asm__("" : "+r"(too_large));
		root |= (1ULL << bit) & ~too_large;
	}
	return root;
}

/* Begins at `window`, with the growth flat at `most` if that is more. */
MCC_APART int mcc_shadow_start(struct mcc_flow *flow, __u64 now_us, __u64 window, __u64 most)
{
	struct mcc_shadow *shadow;

	if (!flow)
		return 0;
	shadow = &flow->shadow;
	shadow->start_us = now_us;
	shadow->window = mcc_clamp(window, 2 * MCC_SHADOW_ONE, MCC_WINDOW_MAX * MCC_SHADOW_ONE);
	shadow->reno = shadow->window;
	shadow->most = mcc_clamp(most, shadow->window, MCC_WINDOW_MAX * MCC_SHADOW_ONE);
	shadow->flat_ms = (__u32)mcc_cube_root((shadow->most - shadow->window) * MCC_CUBE_SCALE);
	return 1;
}

/*
 * While the queue is small the shadow is the flow's own window, which it follows upwards at once and
 * downwards slowly: a rival that grows without haste has the flow give way before there is a queue to see.
 */
static inline void mcc_shadow_follow(struct mcc_flow *flow, __u64 now_us)
{
	__u64 own = (__u64)flow->window << MCC_SHADOW_SHIFT, window = flow->shadow.window;

	if (window > own)
		own = window - (((window - own) >> MCC_SHADOW_SINK) * flow->step_q16 >> 16);
	mcc_shadow_start(flow, now_us, own, 0);
}

/* One interval of growth: RFC 9438, equations 1 and 4, at most half the window a round trip. */
static inline void mcc_shadow_grow(struct mcc_flow *flow, __u64 now_us)
{
	struct mcc_shadow *shadow = &flow->shadow;
	__u64 passed = mcc_clamp((now_us - shadow->start_us + flow->srtt_us) / 1000, 0, MCC_SHADOW_MS);
	__u64 flat = mcc_clamp(shadow->flat_ms, 0, MCC_SHADOW_MS);
	__u64 away = passed > flat ? passed - flat : flat - passed;
	__u64 change = away * away * away / MCC_CUBE_SCALE;
	__u64 target = passed > flat ? shadow->most + change :
		       shadow->most > change ? shadow->most - change : 0;
	__u64 largest = shadow->window + ((shadow->window * flow->step_q16) >> 17);

	/* 3 (1 - beta) / (1 + beta) = 0.53 packets a round trip, one when the former peak is reached */
	shadow->reno += (shadow->reno < shadow->most ? 136 : 256) * (__u64)flow->step_q16 >> 16;
	target = target > shadow->reno ? target : shadow->reno;
	target = target < largest ? target : largest;
	if (target > shadow->window)
		shadow->window = mcc_clamp(target, 0, MCC_WINDOW_MAX * MCC_SHADOW_ONE);
}

/* Packets were lost: seven tenths, once a round trip (fast convergence: RFC 9438, 4.7). 1 when it was cut. */
static inline int mcc_shadow_cut(struct mcc_flow *flow, __u64 now_us)
{
	struct mcc_shadow *shadow = &flow->shadow;
	__u64 window = shadow->window;
	__u64 most = window < shadow->most ? window * 85 / 100 : window;

	if (now_us - shadow->cut_us < flow->srtt_us)
		return 0;
	shadow->cut_us = now_us;
	mcc_shadow_start(flow, now_us, window * 7 / 10, most);
	return 1;
}

#endif /* MEDULLA_CONGESTION_SHADOW_H */
