/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What happens to sums before they are sent: requantization and a function for each, then softmax or argmax
 * over all. To the bit what the reference interpreter does (StepEvaluator).
 */
#ifndef MEDULLA_FABRIC_FINISH_H
#define MEDULLA_FABRIC_FINISH_H

#include "fabric_memory.h"
#include "fabric_task.h"

typedef FABRIC_AT struct fabric_task fabric_task_at;
typedef FABRIC_AT struct fabric_finish fabric_finish_at;
typedef FABRIC_AT struct fabric_table fabric_table_at;

static __always_inline __s64 fabric_cut(__s64 value, __s64 low, __s64 high)
{
	return value < low ? low : value > high ? high : value;
}

static __always_inline __s64 fabric_look_up(const fabric_table_at *table, __s64 coordinate)
{
	__s64 v = fabric_cut(coordinate, 0, table->maximum);
	__u64 at = table->lines_at + ((__u64)v >> table->fraction_bits) * 8;
	const fabric_s32 *line = (const fabric_s32 *)at;

	return ((__s64)line[0] + (__s64)line[1] * v) >> table->guard_bits;
}

/* The function of a finish at (sum · multiplier) >> shift. */
FABRIC_FUNCTION __s64 fabric_finish_one(__u64 finish_at, __s64 sum, __s64 multiplier)
{
	const fabric_finish_at *finish = (const fabric_finish_at *)finish_at;
	__s64 value = (sum * multiplier) >> finish->shift;

	switch (finish->function) {
	case FABRIC_CLAMP:
		return fabric_cut(value, finish->low, finish->high);
	case FABRIC_TABLE:
		return fabric_look_up(&finish->table, value);
	case FABRIC_LEAKY:
		if (value < 0)
			value = (value * finish->slope + (1ll << (finish->slope_shift - 1))) >>
				finish->slope_shift;
		return fabric_cut(value, finish->low, finish->high);
	default:
		return value;
	}
}

/* Those finishes that have a bias and a multiplier for all: from `first` up to `end`. */
static __always_inline __s64 fabric_map(const fabric_task_at *task, __s64 value, __u64 first, __u64 end)
{
	__u64 at = (__u64)task->finish + first * sizeof(struct fabric_finish);
	__u64 stop = (__u64)task->finish + end * sizeof(struct fabric_finish);

	for (; at < stop && FABRIC_MORE; at += sizeof(struct fabric_finish)) {
		const fabric_finish_at *finish = (const fabric_finish_at *)at;

		value = fabric_finish_one(at, value + finish->bias, finish->multiplier);
	}
	return value;
}

static __always_inline void fabric_store(__u64 at, __u64 bytes, __s64 value)
{
	FABRIC_HOLD(value);
	if (bytes == 1)
		*(fabric_s8 *)at = (__s8)value;
	else if (bytes == 2)
		*(fabric_s16 *)at = (__s16)value;
	else
		*(fabric_s64 *)at = value;
}

/* For each row: e = table((max x − x) · multiplier >> shift), then ⌊(e · unit + Σe/2) / Σe⌋. */
static __always_inline int fabric_softmax(const fabric_task_at *task, __u64 values, __u64 end)
{
	__u64 bytes = task->tail_length * 8;

	for (__u64 row = values; row != end && FABRIC_MORE; row += bytes) {
		__u64 stop = row + bytes, at = row;
		__s64 peak = *(fabric_s64 *)row, sum = (__s64)task->zero;

		for (; at != stop && FABRIC_MORE; at += 8) {
			FABRIC_HOLD(at);
			if (*(fabric_s64 *)at > peak)
				peak = *(fabric_s64 *)at;
		}
		for (at = row; at != stop && FABRIC_MORE; at += 8) {
			__s64 power;

			FABRIC_HOLD(at);
			power = fabric_look_up(
				&task->tail_table,
				((peak - *(fabric_s64 *)at) * task->tail_multiplier) >> task->tail_shift);
			*(fabric_s64 *)at = power;
			sum += power;
		}
		if (at != stop || sum <= 0)
			return 0;
		for (at = row; at != stop && FABRIC_MORE; at += 8) {
			FABRIC_HOLD(at);
			/* Nothing is negative, so that the division without sign is the one with. */
			*(fabric_s64 *)at =
				(__u64)(*(fabric_s64 *)at * task->tail_unit + (sum >> 1)) / (__u64)sum;
		}
		if (at != stop)
			return 0;
		values = stop;
	}
	return values == end;
}

/* The first largest; its place in the row stands for all. */
static __always_inline int fabric_argmax(const fabric_task_at *task, __u64 values, __u64 end)
{
	__s64 peak = *(fabric_s64 *)values;
	__u64 best = task->zero, at = values;

	for (; at != end && FABRIC_MORE; at += 8) {
		FABRIC_HOLD(at);
		if (*(fabric_s64 *)at > peak) {
			peak = *(fabric_s64 *)at;
			best = at - values;
		}
	}
	*(fabric_s64 *)values = (__s64)(best >> 3) * task->tail_unit;
	return at == end;
}

#endif /* MEDULLA_FABRIC_FINISH_H */
