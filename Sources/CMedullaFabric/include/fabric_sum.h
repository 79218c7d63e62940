/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Sums of products: four words of up to three lanes side by side, added to sums in memory before a lane is
 * full. Which number of terms fills no lane is proven of the weights when a task is made.
 */
#ifndef MEDULLA_FABRIC_SUM_H
#define MEDULLA_FABRIC_SUM_H

#include "fabric_memory.h"

/* Words that are summed side by side: with more, the kernel's ten registers do not suffice. */
#define FABRIC_WORDS 4

struct fabric_words {
	__s64 a, b, c, d;
};

static __always_inline void fabric_start(struct fabric_words *sum)
{
	sum->a = sum->b = sum->c = sum->d = 0;
	FABRIC_HOLD(sum->a);
	FABRIC_HOLD(sum->b);
	FABRIC_HOLD(sum->c);
	FABRIC_HOLD(sum->d);
}

/* `count` terms, written out; weights lie as four words for each. */
static __always_inline void fabric_terms8(
	struct fabric_words *sum, const fabric_s8 *x, const fabric_s64 *w, int count)
{
#pragma clang loop unroll(full)
	for (int term = 0; term < count; term++) {
		__s64 value = x[term];

		sum->a += value * w[4 * term];
		sum->b += value * w[4 * term + 1];
		sum->c += value * w[4 * term + 2];
		sum->d += value * w[4 * term + 3];
	}
}

static __always_inline void fabric_terms16(
	struct fabric_words *sum, const fabric_s16 *x, const fabric_s64 *w, int count)
{
#pragma clang loop unroll(full)
	for (int term = 0; term < count; term++) {
		__s64 value = x[term];

		sum->a += value * w[4 * term];
		sum->b += value * w[4 * term + 1];
		sum->c += value * w[4 * term + 2];
		sum->d += value * w[4 * term + 3];
	}
}

/* Terms up to `end`, `step` at a time; false when time was up. */
static __always_inline int fabric_turns(
	struct fabric_words *sum, __u64 *at, __u64 end, __u64 *weights, int wide, int step)
{
	__u64 w_at = *weights;

	if (wide) {
		const fabric_s16 *x = (const fabric_s16 *)*at, *stop = (const fabric_s16 *)end;
		const fabric_s64 *w = (const fabric_s64 *)w_at;

		for (; x != stop && FABRIC_MORE; x += step, w += FABRIC_WORDS * step) {
			FABRIC_HOLD(w);
			FABRIC_HOLD(x);
			fabric_terms16(sum, x, w, step);
		}
		*at = (__u64)x;
		*weights = (__u64)w;
	} else {
		const fabric_s8 *x = (const fabric_s8 *)*at, *stop = (const fabric_s8 *)end;
		const fabric_s64 *w = (const fabric_s64 *)w_at;

		for (; x != stop && FABRIC_MORE; x += step, w += FABRIC_WORDS * step) {
			FABRIC_HOLD(w);
			FABRIC_HOLD(x);
			fabric_terms8(sum, x, w, step);
		}
		*at = (__u64)x;
		*weights = (__u64)w;
	}
	return *at == end;
}

/* Splits a word: the lower lane is sign-extended and taken off, so that what is above it is exact. */
static __always_inline void fabric_split3(fabric_s64 *to, __s64 word)
{
	__s64 lane = (__s64)((__u64)word << 43) >> 43;

	word = (word - lane) >> 21;
	to[0] += lane;
	lane = (__s64)((__u64)word << 43) >> 43;
	word = (word - lane) >> 21;
	to[1] += lane;
	to[2] += word;
}

static __always_inline void fabric_split2(fabric_s64 *to, __s64 word)
{
	__s64 lane = (__s32)word;

	to[0] += lane;
	to[1] += (word - lane) >> 32;
}

/* Adds words to the sums of 4 · lanes channels. */
static __always_inline void fabric_flush(__u64 sums, const struct fabric_words *sum, __u64 lanes)
{
	fabric_s64 *to = (fabric_s64 *)sums;

	if (lanes == 3) {
		fabric_split3(to, sum->a);
		fabric_split3(to + 3, sum->b);
		fabric_split3(to + 6, sum->c);
		fabric_split3(to + 9, sum->d);
	} else if (lanes == 2) {
		fabric_split2(to, sum->a);
		fabric_split2(to + 2, sum->b);
		fabric_split2(to + 4, sum->c);
		fabric_split2(to + 6, sum->d);
	} else {
		to[0] += sum->a;
		to[1] += sum->b;
		to[2] += sum->c;
		to[3] += sum->d;
	}
}

/*
 * Adds the products of inputs from `x` to `end` to the sums of 4 · lanes channels, `flush` bytes of inputs at
 * a time. Inputs are a multiple of eight. Gives the weights behind these; 0 when time was up.
 */
static __always_inline __u64 fabric_sum(
	__u64 x, __u64 end, __u64 weights, __u64 flush, __u64 sums, __u64 lanes, int wide)
{
	for (; x != end && FABRIC_MORE;) {
		struct fabric_words sum;
		__u64 part = end - x < flush ? end : x + flush;

		fabric_start(&sum);
		if (!fabric_turns(&sum, &x, part, &weights, wide, 8))
			return 0;
		fabric_flush(sums, &sum, lanes);
	}
	return x == end ? weights : 0;
}

#endif /* MEDULLA_FABRIC_SUM_H */
