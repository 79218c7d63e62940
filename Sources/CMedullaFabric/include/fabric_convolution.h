/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * A convolution's work, with its pool: by rows of its outputs. Each function is 1 when it came to its end and
 * 0 when time was up, which leaves an inference unanswered and nothing wrong.
 */
#ifndef MEDULLA_FABRIC_CONVOLUTION_H
#define MEDULLA_FABRIC_CONVOLUTION_H

#include "fabric_dense.h"

typedef FABRIC_AT struct fabric_position fabric_position_at;

/* Runs of `bytes` each, as many between two flushes as the lanes take. */
static __always_inline int fabric_runs(
	__u64 run, __u64 end, __u64 x0, __u64 weights, __u64 sums, __u64 bytes, __u64 flush, __u64 lanes,
	int wide, int step)
{
	for (; run != end && FABRIC_MORE;) {
		struct fabric_words sum;
		__u64 room = flush;

		fabric_start(&sum);
		for (; run != end && room >= bytes && FABRIC_MORE; run += 8, room -= bytes) {
			__u64 x = x0 + *(fabric_u64 *)run;

			FABRIC_HOLD(run);
			if (!fabric_turns(&sum, &x, x + bytes, &weights, wide, step))
				return 0;
		}
		fabric_flush(sums, &sum, lanes);
	}
	return run == end;
}

/* One window's sums of an entry of columns. */
static __always_inline int fabric_window(__u64 task_at, __u64 x0, __u64 weights, __u64 sums, int wide)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	__u64 run = task->runs_at, runs_end = run + task->runs * 8, lanes = task->lanes;
	__u64 bytes = task->run_terms << wide, flush = task->flush << wide;

	if (!fabric_clear(sums, sums + lanes * FABRIC_WORDS * 8))
		return 0;
	if (bytes > flush) {
		for (; run != runs_end && FABRIC_MORE; run += 8) {
			__u64 x = x0 + *(fabric_u64 *)run;

			FABRIC_HOLD(run);
			weights = fabric_sum(x, x + bytes, weights, flush, sums, lanes, wide);
			if (!weights)
				return 0;
		}
		return run == runs_end;
	}
	/* Short runs: several fit in before the lanes are full. */
	return task->run_terms & 4 || task->run_terms < 64
		       ? fabric_runs(run, runs_end, x0, weights, sums, bytes, flush, lanes, wide, 4)
		       : fabric_runs(run, runs_end, x0, weights, sums, bytes, flush, lanes, wide, 8);
}

FABRIC_FUNCTION int fabric_window_8(__u64 task, __u64 x0, __u64 weights, __u64 sums)
{
	return fabric_window(task, x0, weights, sums, 0);
}

FABRIC_FUNCTION int fabric_window_16(__u64 task, __u64 x0, __u64 weights, __u64 sums)
{
	return fabric_window(task, x0, weights, sums, 1);
}

/* Whether a sum of a block lies outside of the convolution's outputs: in the padding of a pool. */
static __always_inline int fabric_is_outside(
	const fabric_task_at *task, const fabric_position_at *position, __u64 place)
{
	__s64 row = task->pool_top + (__s64)(place >> 32) * task->pool_down + position->row;
	__s64 column = task->pool_left + (__s64)(place & 0xffffffff) * task->pool_right + position->column;

	return row < 0 || row >= task->sum_rows || column < 0 || column >= task->sum_columns;
}

/* ⌊sum / count + 1/2⌋ by a division without sign. */
static __always_inline __s64 fabric_mean(__s64 sum, __u64 count)
{
	return (__s64)((__u64)(sum + (__s64)(count >> 1) + ((__s64)count << 31)) / count) - (1ll << 31);
}

/* One channel of a block with a pool; its multiplier lies where its bias does. */
FABRIC_FUNCTION __s64 fabric_pooled(__u64 task_at, __u64 sums, __u64 bias_at, __u64 place)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	__s64 bias = *(fabric_s64 *)bias_at;
	__s64 multiplier = *(fabric_s64 *)(bias_at - task->biases_at + task->multipliers_at);
	__u64 position = task->positions_at, size = sizeof(fabric_position_at);
	__u64 end = position + task->positions * size, count = task->zero, pool = task->pool;
	__s64 all = (__s64)count, peak = (__s64)((1ull << 63) + count);

	for (; position != end && FABRIC_MORE; position += size, sums += FABRIC_SUMS * 8) {
		__s64 value;

		FABRIC_HOLD(position);
		FABRIC_HOLD(sums);
		if (task->is_clipped &&
		    fabric_is_outside(task, (const fabric_position_at *)position, place))
			continue;
		value = *(fabric_s64 *)sums + bias;
		if (pool != FABRIC_MAXIMUM_OF_SUMS) {
			value = fabric_finish_one((__u64)task->finish, value, multiplier);
			value = fabric_map(task, value, 1, task->finishes_first);
		}
		all += value;
		count++;
		if (value > peak)
			peak = value;
	}
	if (pool == FABRIC_AVERAGE_OF_ALL)
		count = task->pool_size;
	if (pool == FABRIC_AVERAGE || pool == FABRIC_AVERAGE_OF_ALL)
		return fabric_map(
			task, fabric_mean(all, count ? count : 1), task->finishes_first, task->finishes);
	if (pool == FABRIC_MAXIMUM_OF_SUMS)
		peak = fabric_finish_one((__u64)task->finish, peak, multiplier);
	return fabric_map(task, peak, task->finishes_first, task->finishes);
}

/* What follows the sums of an entry of columns at all positions of a block, without a pool. */
FABRIC_FUNCTION int fabric_end_plain(__u64 task_at, __u64 entry, __u64 sums, __u64 output)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	const fabric_columns_at *columns =
		(const fabric_columns_at *)(task->columns_at + entry * sizeof(*columns));
	__u64 factors = entry * task->lanes * FABRIC_WORDS * 8, channel = task->zero;

	output += columns->first * task->output_bytes;
	for (; channel != columns->count && FABRIC_MORE; channel++, factors += 8, sums += 8) {
		__u64 at = sums, to = output + channel * task->output_bytes;
		__u64 end = sums + task->positions * (FABRIC_SUMS * 8);

		FABRIC_HOLD(channel);
		FABRIC_HOLD(sums);
		for (; at != end && FABRIC_MORE; at += FABRIC_SUMS * 8) {
			__s64 value = *(fabric_s64 *)at + *(fabric_s64 *)(task->biases_at + factors);

			FABRIC_HOLD(at);
			FABRIC_HOLD(to);
			value = fabric_finish_one(
				(__u64)task->finish, value,
				*(fabric_s64 *)(task->multipliers_at + factors));
			fabric_store(
				to, task->output_bytes, fabric_map(task, value, 1, task->finishes));
			to += task->channels * task->output_bytes;
		}
		if (at != end)
			return 0;
	}
	return channel == columns->count;
}

/* Maxima of sums within the outputs, the most common pool: a channel's largest sum, then its function. */
FABRIC_FUNCTION int fabric_end_peaks(__u64 task_at, __u64 entry, __u64 sums, __u64 output)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	const fabric_columns_at *columns =
		(const fabric_columns_at *)(task->columns_at + entry * sizeof(*columns));
	__u64 bias = task->biases_at + entry * task->lanes * FABRIC_WORDS * 8;
	__u64 end = sums + columns->count * 8;
	__u64 multiplier = task->multipliers_at - task->biases_at, bytes = task->output_bytes;
	__u64 wide = task->positions * (FABRIC_SUMS * 8);

	output += columns->first * bytes;
	for (; sums != end && FABRIC_MORE; sums += 8, bias += 8, output += bytes) {
		__u64 at = sums + FABRIC_SUMS * 8, last = sums + wide;
		__s64 peak = *(fabric_s64 *)sums;

		FABRIC_HOLD(sums);
		FABRIC_HOLD(bias);
		FABRIC_HOLD(output);
		for (; at != last && FABRIC_MORE; at += FABRIC_SUMS * 8) {
			__s64 sum = *(fabric_s64 *)at;

			FABRIC_HOLD(at);
			if (sum > peak)
				peak = sum;
		}
		peak = fabric_finish_one(
			(__u64)task->finish, peak + *(fabric_s64 *)bias, *(fabric_s64 *)(bias + multiplier));
		fabric_store(output, bytes, fabric_map(task, peak, 1, task->finishes));
	}
	return sums == end;
}

/* The same with one. `place` is the row of outputs and, in its lower half, the block of the row. */
FABRIC_FUNCTION int fabric_end_pooled(
	__u64 task_at, __u64 entry, __u64 sums, __u64 output, __u64 place)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	const fabric_columns_at *columns =
		(const fabric_columns_at *)(task->columns_at + entry * sizeof(*columns));
	__u64 bias = task->biases_at + entry * task->lanes * FABRIC_WORDS * 8;
	__u64 end = sums + columns->count * 8;

	output += columns->first * task->output_bytes;
	for (; sums != end && FABRIC_MORE; sums += 8, bias += 8, output += task->output_bytes) {
		FABRIC_HOLD(sums);
		FABRIC_HOLD(bias);
		FABRIC_HOLD(output);
		fabric_store(output, task->output_bytes, fabric_pooled(task_at, sums, bias, place));
	}
	return sums == end;
}

/* Lists of all positions of a block. */
FABRIC_FUNCTION int fabric_lists(__u64 task_at, __u64 input, __u64 lists, __u64 place)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	__u64 size = sizeof(fabric_position_at), at = task->positions_at, end = at + task->positions * size;
	__u64 terms = task->run_terms;

	for (; at != end && FABRIC_MORE; at += size, lists += task->list_stride) {
		const fabric_position_at *position;
		__u64 x;

		FABRIC_HOLD(at);
		position = (const fabric_position_at *)at;
		if (task->is_clipped && fabric_is_outside(task, position, place))
			continue;
		x = input + (__u64)position->offset;
		if (task->input_bytes == 1 ? !fabric_list_8(task_at, x, terms, lists)
					   : !fabric_list_16(task_at, x, terms << 1, lists))
			return 0;
	}
	return at == end;
}

/* The windows of one entry of columns at all positions of a block. */
FABRIC_FUNCTION int fabric_block(__u64 task_at, __u64 input, __u64 entry, __u64 lane, __u64 place)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	__u64 size = sizeof(fabric_position_at), at = task->positions_at, end = at + task->positions * size;
	__u64 weights = task->weights_at + entry * task->block_weights, sums = fabric_sums(task, 0, lane);
	__u64 lists = task->lists_at + lane * task->lists_stride;

	for (; at != end && FABRIC_MORE;
	     at += size, sums += FABRIC_SUMS * 8, lists += task->list_stride) {
		const fabric_position_at *position;
		__u64 x;

		FABRIC_HOLD(at);
		position = (const fabric_position_at *)at;
		if (task->is_clipped && fabric_is_outside(task, position, place))
			continue;
		if (((const fabric_list_at *)lists)->pays) {
			if (!fabric_clear(sums, sums + task->lanes * FABRIC_WORDS * 8) ||
			    !fabric_listed(task_at, lists, weights, sums))
				return 0;
			continue;
		}
		x = input + (__u64)position->offset;
		if (task->input_bytes == 1 ? !fabric_window_8(task_at, x, weights, sums)
					   : !fabric_window_16(task_at, x, weights, sums))
			return 0;
	}
	return at == end;
}

static __always_inline int fabric_end(
	const fabric_task_at *task, __u64 entry, __u64 sums, __u64 output, __u64 place)
{
	if (!task->pool)
		return fabric_end_plain((__u64)task, entry, sums, output);
	if (task->pool == FABRIC_MAXIMUM_OF_SUMS && !task->is_clipped)
		return fabric_end_peaks((__u64)task, entry, sums, output);
	return fabric_end_pooled((__u64)task, entry, sums, output, place);
}

/* Computes a row of outputs: block by block, so that a block's inputs stay near while the weights pass. */
FABRIC_FUNCTION int fabric_row(__u64 task_at, __u64 slot, __u64 row, __u64 lane)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	__u64 output = task->output_at + slot * task->output_stride + row * task->output_row;
	__u64 x0 = task->input_at + slot * task->input_stride + (__u64)task->block_first +
		   row * (__u64)task->block_row;
	__u64 pixel = task->channels * task->output_bytes * (task->pool ? 1 : task->positions);
	__u64 sums = fabric_sums(task, 0, lane), block = task->zero;

	for (; block != task->blocks && FABRIC_MORE; block++) {
		__u64 entry = task->zero, listed = ~0ull;

		FABRIC_HOLD(block);
		for (; entry != task->columns && FABRIC_MORE; entry++) {
			const fabric_columns_at *columns;
			__u64 x;

			FABRIC_HOLD(entry);
			columns = (const fabric_columns_at *)(task->columns_at + entry * sizeof(*columns));
			x = x0 + columns->input;
			/* Groups have inputs of their own. */
			if (x != listed &&
			    !fabric_lists(
				    task_at, x, task->lists_at + lane * task->lists_stride,
				    row << 32 | block))
				return 0;
			listed = x;
			if (!fabric_block(task_at, x, entry, lane, row << 32 | block))
				return 0;
			if (!fabric_end(task, entry, sums, output, row << 32 | block))
				return 0;
		}
		if (entry != task->columns)
			return 0;
		x0 += (__u64)task->block_step;
		output += pixel;
	}
	return block == task->blocks;
}

#endif /* MEDULLA_FABRIC_CONVOLUTION_H */
