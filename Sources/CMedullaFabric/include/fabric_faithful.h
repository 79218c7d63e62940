/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * A dense layer as a match-action pipeline computes it ("Distributed DNN Serving in the Network Data Plane",
 * §3): no multiplication, but the input shifted by each set bit of the weight; as many products as one pass
 * takes, then the cell goes round once more for the next ones; a register and a counter for each neuron,
 * which say when all of its products are there. The same bits as fabric_dense.h's, in far more steps.
 */
#ifndef MEDULLA_FABRIC_FAITHFUL_H
#define MEDULLA_FABRIC_FAITHFUL_H

#include "fabric_dense.h"

/* Set beside the number of neurons that a pass has completed: the cell has others before it. */
#define FABRIC_PASS_MORE (1 << 16)
#define FABRIC_PASS_BROKEN -1

/* weight · x by shifts and additions. */
static __always_inline __s64 fabric_shifted(const fabric_task_at *task, __s64 x, __s64 weight)
{
	__u64 bits = weight < 0 ? -weight : weight;
	__s64 sum = (__s64)task->zero;

	for (; bits && FABRIC_MORE; bits >>= 1, x <<= 1) {
		FABRIC_HOLD(x);
		if (bits & 1)
			sum += x;
	}
	return weight < 0 ? -sum : sum;
}

/*
 * One pass of a cell whose payload is in its place. Products lie one input after the other, with all of its
 * neurons. Gives how many neurons have all of their products by it, with the above.
 */
FABRIC_FUNCTION int fabric_pass_of(__u64 task_at, __u64 slot, __u64 cell, __u64 pass)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	const fabric_place_at *place = (const fabric_place_at *)(task->places_at + cell * sizeof(*place));
	__u64 sums = fabric_sums(task, slot, 0), channels = task->channels ? task->channels : 1;
	__u64 inputs = task->input_at + slot * task->input_stride + place->offset;
	__u64 all = place->terms * channels, at = pass * task->products;
	__u64 end = all - at < task->products ? all : at + task->products;
	int whole = (int)task->zero;

	if (at >= all)
		return FABRIC_PASS_BROKEN;
	for (; at != end && FABRIC_MORE; at++) {
		__u64 neuron = at % channels, x = inputs + at / channels * task->input_bytes;
		__s64 weight = *(fabric_s64 *)(task->weights_at + place->weights + at * 8);
		__s64 value = task->input_bytes == 1 ? *(fabric_s8 *)x : *(fabric_s16 *)x;

		FABRIC_HOLD(at);
		value = fabric_shifted(task, value, weight);
		__sync_fetch_and_add((fabric_s64 *)(sums + neuron * 8), value);
		if (__sync_fetch_and_add((fabric_s64 *)(sums + (channels + neuron) * 8), 1) + 1 ==
		    (__s64)task->terms)
			whole++;
	}
	if (at != end)
		return FABRIC_PASS_BROKEN;
	return end < all ? whole | FABRIC_PASS_MORE : whole;
}

#endif /* MEDULLA_FABRIC_FAITHFUL_H */
