/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* How a feature of a flow becomes an input of a network: fixed point with `bits` fraction bits, at most
 * 32. */
#ifndef MEDULLA_FLOW_INPUTS_H
#define MEDULLA_FLOW_INPUTS_H

#include "flow_features.h"

/* When a flow is decided, beside the number of a packet of its. */
#define FLOW_EVERY_PACKET 0ULL
#define FLOW_AT_END (~0ULL)

/* Whether it is time, with a packet that has been taken in. */
static __always_inline int flow_is_time(const struct flow_state *flow, __u64 moment, int is_decided)
{
	__u64 packets = (__u64)flow->ways[0].lengths.count + flow->ways[1].lengths.count;

	return moment == FLOW_EVERY_PACKET || (!is_decided && (packets >= moment || flow_has_ended(flow)));
}

/* The lesser. Without a branch, of which a verifier would follow both ways for each input. */
static __always_inline __u64 flow_least(__u64 a, __u64 b)
{
	__u64 is_less = 0 - (((~a & b) | (~(a ^ b) & (a - b))) >> 63);

	return b ^ ((a ^ b) & is_less);
}

/* The feature itself; cut where it would leave what a network's entry takes. */
static __always_inline __s64 flow_input_linear(__u64 value, __u32 bits)
{
	return (__s64)(flow_least(value, (1ULL << (60 - bits)) - 1) << bits);
}

/* log2(1 + value), straight between powers of two: with 1 + value = m · 2^p and 1 <= m < 2 it is
 * p + m - 1. */
static __always_inline __s64 flow_input_log2(__u64 value, __u32 bits)
{
	/* What would be 2^64 stays one below. */
	__u64 one_more = value + 1 - ((value & ~(value + 1)) >> 63);
	__u32 zeros = __builtin_clzll(one_more);
	/* Without its first bit, which `zeros` has counted. */
	__u64 rest = one_more << zeros << 1;

	return (__s64)((__u64)(63 - zeros) << bits) + (__s64)(rest >> 32 >> (32 - bits));
}

#endif /* MEDULLA_FLOW_INPUTS_H */
