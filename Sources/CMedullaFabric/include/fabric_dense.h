/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * A dense layer's work: by cells of its inputs, and once all are there what follows the sums. Each function
 * is 1 when it came to its end and 0 when time was up, which leaves an inference unanswered and nothing
 * wrong.
 */
#ifndef MEDULLA_FABRIC_DENSE_H
#define MEDULLA_FABRIC_DENSE_H

#include "fabric_finish.h"
#include "fabric_sparse.h"
#include "fabric_sum.h"

typedef FABRIC_AT struct fabric_place fabric_place_at;
typedef FABRIC_AT struct fabric_columns fabric_columns_at;

/* Sums of a slot's that a processor has. */
static __always_inline __u64 fabric_sums(const fabric_task_at *task, __u64 slot, __u64 lane)
{
	return task->sums_at + (slot * task->processors + lane) * task->sums_stride;
}

/* Adds all products from `x` to `end` with the weights of an entry of columns to its sums. */
FABRIC_FUNCTION int fabric_column_8(__u64 task_at, __u64 x, __u64 end, __u64 weights, __u64 sums)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;

	return fabric_sum(x, end, weights, task->flush, sums, task->lanes, 0) != 0;
}

FABRIC_FUNCTION int fabric_column_16(__u64 task_at, __u64 x, __u64 end, __u64 weights, __u64 sums)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;

	return fabric_sum(x, end, weights, task->flush << 1, sums, task->lanes, 1) != 0;
}

/* Adds the products of a cell's inputs with weights that lie column by column. */
FABRIC_FUNCTION int fabric_dense_columns(__u64 task_at, __u64 x, __u64 place_at, __u64 list, __u64 sums)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	const fabric_place_at *place = (const fabric_place_at *)place_at;
	__u64 weights = task->weights_at + place->weights, step = place->terms * FABRIC_WORDS * 8;
	__u64 end = x + place->terms * task->input_bytes, entry = task->zero;

	for (; entry != task->columns && FABRIC_MORE; entry++) {
		FABRIC_HOLD(entry);
		FABRIC_HOLD(weights);
		FABRIC_HOLD(sums);
		if (((const fabric_list_at *)list)->pays) {
			if (!fabric_listed(task_at, list, weights, sums))
				return 0;
		} else if (task->input_bytes == 1 ? !fabric_column_8(task_at, x, end, weights, sums)
						  : !fabric_column_16(task_at, x, end, weights, sums)) {
			return 0;
		}
		weights += step;
		sums += task->lanes * FABRIC_WORDS * 8;
	}
	return entry == task->columns;
}

static __always_inline int fabric_dense_cell(__u64 task_at, __u64 slot, __u64 cell, __u64 lane, int wide)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	const fabric_place_at *place = (const fabric_place_at *)(task->places_at + cell * sizeof(*place));
	__u64 x = task->input_at + slot * task->input_stride + place->offset;
	__u64 list = task->lists_at + lane * task->lists_stride, bytes = place->terms << wide;

	if (wide ? !fabric_list_16(task_at, x, bytes, list) : !fabric_list_8(task_at, x, bytes, list))
		return 0;
	if (task->by_columns)
		return fabric_dense_columns(task_at, x, (__u64)place, list, fabric_sums(task, slot, lane));
	return fabric_listed_rows(
		task_at, list, task->weights_at + place->weights, fabric_sums(task, slot, lane));
}

FABRIC_FUNCTION int fabric_dense_8(__u64 task, __u64 slot, __u64 cell, __u64 lane)
{
	return fabric_dense_cell(task, slot, cell, lane, 0);
}

FABRIC_FUNCTION int fabric_dense_16(__u64 task, __u64 slot, __u64 cell, __u64 lane)
{
	return fabric_dense_cell(task, slot, cell, lane, 1);
}

/* When all cells' products are summed: all processors' sums together, then what follows. */
FABRIC_FUNCTION int fabric_dense_end(__u64 task_at, __u64 slot)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	__u64 first = fabric_sums(task, slot, 0), end = first + task->channels * 8;
	__u64 biases = task->biases_at - first, multipliers = task->multipliers_at - first;
	__u64 output = task->output_at + slot * task->output_stride;
	__u64 bytes = task->output_bytes, values = task->values_at + slot * task->values_stride;
	__u64 tail = task->tail, at, lane_end = task->processors * task->sums_stride, count;

	if (tail) {
		output = values;
		bytes = 8;
	}
	for (at = first; at != end && FABRIC_MORE; at += 8, output += bytes) {
		__s64 sum = *(fabric_s64 *)(at + biases);

		FABRIC_HOLD(at);
		for (__u64 lane = task->zero; lane != lane_end && FABRIC_MORE; lane += task->sums_stride) {
			FABRIC_HOLD(lane);
			sum += *(fabric_s64 *)(at + lane);
		}
		sum = fabric_finish_one((__u64)task->finish, sum, *(fabric_s64 *)(at + multipliers));
		fabric_store(output, bytes, fabric_map(task, sum, 1, task->finishes));
	}
	if (at != end || !tail)
		return at == end;
	end = values + task->channels * 8;
	if (tail == FABRIC_SOFTMAX ? !fabric_softmax(task, values, end) : !fabric_argmax(task, values, end))
		return 0;
	count = tail == FABRIC_SOFTMAX ? task->channels : 1;
	output = task->output_at + slot * task->output_stride;
	end = values + count * 8;
	for (at = values; at != end && FABRIC_MORE; at += 8, output += task->output_bytes) {
		FABRIC_HOLD(at);
		fabric_store(output, task->output_bytes, *(fabric_s64 *)at);
	}
	return at == end;
}

#endif /* MEDULLA_FABRIC_DENSE_H */
