/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Sums of those products alone whose input is not 0: after ReLU and a pool most inputs of a trained network
 * are 0. What is not is listed once for a window, and the list serves all columns. Lanes are emptied after
 * the same terms as without a list, so that what is proven of them holds.
 *
 * A convolution's weights lie column by column, near enough to be read out of order, and so do those of a
 * small dense layer. A large one's are too many for that: they lie term by term, those of all columns in a
 * row, and a term of 0 leaves out a row.
 */
#ifndef MEDULLA_FABRIC_SPARSE_H
#define MEDULLA_FABRIC_SPARSE_H

#include "fabric_finish.h"
#include "fabric_sum.h"

struct fabric_list {
	__u64 bytes; /* of the ends */
	__u64 pays; /* against reading all terms in their order */
	__u64 ends[]; /* of each part between two flushes; terms begin at `list_first` */
};

typedef FABRIC_AT struct fabric_list fabric_list_at;

/* A term in 64 bits: the bytes from a column's weights to its own, and above them its input. */
#define FABRIC_TERM_BYTES 8
#define FABRIC_TERM_STEP 4
/* Instructions of a term with a list, and without. */
#define FABRIC_TERM_COST 16
#define FABRIC_PLAIN_COST 13

/* Ends a part of a list, rounded up with terms of 0. */
static __always_inline __u64 fabric_close_part(__u64 first, __u64 at, __u64 part)
{
	for (; (at - first) & (FABRIC_TERM_STEP * FABRIC_TERM_BYTES - 1) && FABRIC_MORE;
	     at += FABRIC_TERM_BYTES) {
		__s64 zero = 0;

		FABRIC_HOLD(at);
		FABRIC_HOLD(zero);
		*(fabric_s64 *)at = zero;
	}
	*(fabric_u64 *)part = at;
	return at;
}

/* Lists the inputs from `x` to `end`; gives where the list goes on. */
static __always_inline __u64 fabric_list_terms(__u64 x, __u64 end, __u64 at, __u64 *offset, int wide)
{
	__u64 place = *offset;

	for (; x != end && FABRIC_MORE; x += FABRIC_TERM_STEP << wide) {
		FABRIC_HOLD(x);
		FABRIC_HOLD(place);
#pragma clang loop unroll(full)
		for (int term = 0; term < FABRIC_TERM_STEP; term++) {
			__s64 value = wide ? ((const fabric_s16 *)x)[term] : ((const fabric_s8 *)x)[term];
			__u64 bits = (__u64)value << 32;

			*(fabric_u64 *)at = bits | place;
			place += FABRIC_WORDS * 8;
			/* One further, unless all bits are 0. */
			at += (bits | -bits) >> 63 << 3;
			FABRIC_HOLD(at);
		}
	}
	*offset = place;
	return x == end ? at : 0;
}

/* Lists a window's inputs, `bytes` of each run; 0 when time was up. */
static __always_inline int fabric_list(
	const fabric_task_at *task, __u64 x0, __u64 bytes, __u64 list, int wide)
{
	__u64 run = task->runs_at, runs_end = run + task->runs * 8, flush = task->flush << wide;
	__u64 first = list + task->list_first, at = first, ends = list + sizeof(fabric_list_at), part = ends;
	fabric_list_at *own = (fabric_list_at *)list;
	__u64 room = flush, offset = task->zero;

	for (; run != runs_end && FABRIC_MORE; run += 8) {
		__u64 x = x0 + *(fabric_u64 *)run, end = x + bytes;

		FABRIC_HOLD(run);
		if (room < bytes && room != flush)
			room = 0;
		for (; x != end && FABRIC_MORE;) {
			__u64 stop;

			if (!room) {
				at = fabric_close_part(first, at, part);
				part += 8;
				room = flush;
			}
			stop = end - x < room ? end : x + room;
			at = fabric_list_terms(x, stop, at, &offset, wide);
			if (!at)
				return 0;
			room -= stop - x;
			x = stop;
		}
		if (x != end)
			return 0;
	}
	at = fabric_close_part(first, at, part);
	part += 8;
	own->bytes = part - ends;
	own->pays = (at - first) / FABRIC_TERM_BYTES * FABRIC_TERM_COST <
		    offset / (FABRIC_WORDS * 8) * FABRIC_PLAIN_COST;
	return run == runs_end;
}

FABRIC_FUNCTION int fabric_list_8(__u64 task, __u64 x0, __u64 bytes, __u64 list)
{
	return fabric_list((const fabric_task_at *)task, x0, bytes, list, 0);
}

FABRIC_FUNCTION int fabric_list_16(__u64 task, __u64 x0, __u64 bytes, __u64 list)
{
	return fabric_list((const fabric_task_at *)task, x0, bytes, list, 1);
}

/* Adds the products of two terms with their rows of weights to words. Values are the halves of a word. */
FABRIC_FUNCTION int fabric_pair(__u64 words, __u64 end, __u64 first, __u64 second, __u64 values)
{
	__s64 one = (__s64)(__s32)values, other = (__s64)values >> 32;
	fabric_s64 *to = (fabric_s64 *)words, *stop = (fabric_s64 *)end;
	const fabric_s64 *v = (const fabric_s64 *)first, *w = (const fabric_s64 *)second;

	for (; to != stop && FABRIC_MORE; to += FABRIC_WORDS, v += FABRIC_WORDS, w += FABRIC_WORDS) {
		FABRIC_HOLD(to);
		FABRIC_HOLD(v);
		FABRIC_HOLD(w);
#pragma clang loop unroll(full)
		for (int word = 0; word < FABRIC_WORDS; word++) {
			__s64 sum = to[word] + one * v[word] + other * w[word];

			FABRIC_HOLD(sum);
			to[word] = sum;
		}
	}
	return to == stop;
}

/* Adds words to the sums of all columns, and leaves zeros. */
FABRIC_FUNCTION int fabric_empty(__u64 words, __u64 end, __u64 sums, __u64 lanes)
{
	fabric_s64 *from = (fabric_s64 *)words, *stop = (fabric_s64 *)end;

	for (; from != stop && FABRIC_MORE; from += FABRIC_WORDS, sums += lanes * FABRIC_WORDS * 8) {
		struct fabric_words sum;

		FABRIC_HOLD(from);
		sum.a = from[0];
		sum.b = from[1];
		sum.c = from[2];
		sum.d = from[3];
		fabric_flush(sums, &sum, lanes);
		if (!fabric_clear((__u64)from, (__u64)(from + FABRIC_WORDS)))
			return 0;
	}
	return from == stop;
}

/* Adds a list's products with the rows of weights from `weights` on to the sums of all columns. */
FABRIC_FUNCTION int fabric_listed_rows(__u64 task_at, __u64 list, __u64 weights, __u64 sums)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	__u64 words = list + task->list_stride, words_end = words + task->columns * FABRIC_WORDS * 8;
	__u64 part = list + sizeof(fabric_list_at), ends = part + ((fabric_list_at *)list)->bytes;
	__u64 at = list + task->list_first;

	/* What ran out of time may have left something. */
	if (!fabric_clear(words, words_end))
		return 0;
	for (; part != ends && FABRIC_MORE; part += 8) {
		__u64 end = *(fabric_u64 *)part;

		FABRIC_HOLD(part);
		for (; at != end && FABRIC_MORE; at += 2 * FABRIC_TERM_BYTES) {
			__u64 one, other;

			FABRIC_HOLD(at);
			one = ((const fabric_u64 *)at)[0];
			other = ((const fabric_u64 *)at)[1];
			if (!fabric_pair(
				    words, words_end, weights + (__u32)one * task->columns,
				    weights + (__u32)other * task->columns,
				    one >> 32 | (other >> 32 << 32)))
				return 0;
		}
		if (at != end || !fabric_empty(words, words_end, sums, task->lanes))
			return 0;
	}
	return part == ends;
}

/* Adds a list's products with the weights of an entry of columns to its sums. */
FABRIC_FUNCTION int fabric_listed(__u64 task_at, __u64 list, __u64 weights, __u64 sums)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	__u64 lanes = task->lanes, part = list + sizeof(fabric_list_at);
	__u64 parts_end = part + ((fabric_list_at *)list)->bytes;
	__u64 at = list + task->list_first;

	for (; part != parts_end && FABRIC_MORE; part += 8) {
		__u64 end = *(fabric_u64 *)part;
		struct fabric_words sum;

		FABRIC_HOLD(part);
		fabric_start(&sum);
		for (; at != end && FABRIC_MORE; at += FABRIC_TERM_STEP * FABRIC_TERM_BYTES) {
			FABRIC_HOLD(at);
#pragma clang loop unroll(full)
			for (int term = 0; term < FABRIC_TERM_STEP; term++) {
				__u64 w_at = weights + ((const fabric_u32 *)at)[2 * term];
				__s64 value = ((const fabric_s32 *)at)[2 * term + 1];
				const fabric_s64 *w = (const fabric_s64 *)w_at;

				FABRIC_HOLD(w);
				sum.a += value * w[0];
				sum.b += value * w[1];
				sum.c += value * w[2];
				sum.d += value * w[3];
				FABRIC_HOLD(sum.a);
				FABRIC_HOLD(sum.b);
				FABRIC_HOLD(sum.c);
				FABRIC_HOLD(sum.d);
			}
		}
		if (at != end)
			return 0;
		fabric_flush(sums, &sum, lanes);
	}
	return part == parts_end;
}

#endif /* MEDULLA_FABRIC_SPARSE_H */
