/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What a cell sets free, unit by unit (`fabric_row`): whoever claims one computes it, on whichever processor.
 */
#ifndef MEDULLA_FABRIC_UNITS_H
#define MEDULLA_FABRIC_UNITS_H

#include "fabric_slot.h"

/* Whether all rows of inputs that a unit needs are there. */
static __always_inline int fabric_can_start(const fabric_task_at *task, fabric_slot_at *slot, __u64 unit)
{
	const fabric_row_at *needs = (const fabric_row_at *)(task->rows_at + unit * sizeof(*needs));
	__u64 at = needs->first, end = needs->last + 1;

	for (; at != end && FABRIC_MORE; at++) {
		FABRIC_HOLD(at);
		if (fabric_read32(&slot->pieces[at & (FABRIC_ROWS - 1)]) != task->pieces_per_row)
			return 0;
	}
	return at == end;
}

/* Computes a unit that this processor has claimed. Gives the cells of outputs that are whole by it. */
static __always_inline int fabric_unit(
	const fabric_task_at *task, fabric_slot_at *slot, __u64 number, __u64 unit, __u64 lane)
{
	__u64 task_at = (__u64)task;

	if (task->kind == FABRIC_CONVOLUTION) {
		if (!fabric_row(task_at, number, unit, lane) ||
		    !fabric_set_ready(slot, task->cells_before + unit * task->row_pieces, task->row_pieces))
			return -1;
		return (int)task->row_pieces;
	}
	if (task->input_bytes == 1 ? !fabric_dense_8(task_at, number, unit, lane)
				   : !fabric_dense_16(task_at, number, unit, lane))
		return -1;
	if (__sync_fetch_and_add(&slot->done, 1) + 1 != task->cells)
		return 0;
	if (!fabric_dense_end(task_at, number) ||
	    !fabric_set_ready(slot, task->cells_before, task->cells_sent))
		return -1;
	return (int)task->cells_sent;
}

/* Computes a unit if it can start, and nobody has it. Gives the cells of outputs that are whole by it. */
FABRIC_FUNCTION int fabric_try(__u64 task_at, __u64 number, __u64 unit, __u64 lane)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	fabric_slot_at *slot = fabric_slot_of(task, number);
	__u64 bit = 1ull << (unit & 63);

	if (!fabric_can_start(task, slot, unit) ||
	    fabric_set_bits(&slot->claimed[unit >> 6 & (FABRIC_ROWS / 64 - 1)], bit) & bit)
		return 0;
	return fabric_unit(task, slot, number, unit, lane);
}

/* A cell whose payload is in its place. Gives whether a unit can start that has waited for it. */
FABRIC_FUNCTION int fabric_note(__u64 task_at, __u64 number, __u64 cell)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	fabric_slot_at *slot = fabric_slot_of(task, number);
	const fabric_place_at *place = (const fabric_place_at *)(task->places_at + cell * sizeof(*place));
	const fabric_wake_at *wake = (const fabric_wake_at *)(task->wakes_at + place->row * sizeof(*wake));
	__u64 unit = wake->first, end = wake->first + wake->count;

	__sync_fetch_and_add(&slot->pieces[place->row & (FABRIC_ROWS - 1)], 1);
	for (; unit != end && FABRIC_MORE; unit++) {
		FABRIC_HOLD(unit);
		if (fabric_can_start(task, slot, unit))
			return 1;
	}
	return 0;
}

/*
 * The units that have waited for a cell: several when it fills a gap. Gives how many cells of outputs have
 * become whole by them; -1 when time was up.
 */
FABRIC_FUNCTION int fabric_arrived(__u64 task_at, __u64 number, __u64 cell, __u64 lane)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	const fabric_place_at *place = (const fabric_place_at *)(task->places_at + cell * sizeof(*place));
	const fabric_wake_at *wake = (const fabric_wake_at *)(task->wakes_at + place->row * sizeof(*wake));
	__u64 unit = wake->first, end = wake->first + wake->count;
	int made = (int)task->zero;

	for (; unit != end && FABRIC_MORE; unit++) {
		int whole;

		FABRIC_HOLD(unit);
		whole = fabric_try(task_at, number, unit, lane);
		if (whole < 0)
			return -1;
		made += whole;
	}
	return unit == end ? made : -1;
}

/*
 * Any other units that can start: what waits for another processor is done by this one, which has nothing to
 * do. Of their outputs no more than can be sent at once with `made`; gives them all.
 */
FABRIC_FUNCTION int fabric_help(__u64 task_at, __u64 number, __u64 made, __u64 lane)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	__u64 unit = task->zero, end = task->units, most = FABRIC_BURST - 1;
	__u64 each = task->kind == FABRIC_CONVOLUTION ? task->row_pieces : task->cells_sent;

	for (; unit < end && made + each <= most && FABRIC_MORE; unit++) {
		int whole;

		FABRIC_HOLD(unit);
		whole = fabric_try(task_at, number, unit, lane);
		if (whole < 0)
			return -1;
		made += (__u64)whole;
	}
	return (int)made;
}

/* The same of a layer that computes some products at a time: FABRIC_PASS_MORE when there are others. */
FABRIC_FUNCTION int fabric_passed(__u64 task_at, __u64 number, __u64 cell, __u64 pass)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	fabric_slot_at *slot = fabric_slot_of(task, number);
	int made = fabric_pass_of(task_at, number, cell, pass);
	__u32 whole = made & (FABRIC_PASS_MORE - 1);

	if (made < 0 || !whole || __sync_fetch_and_add(&slot->done, whole) + whole != task->channels)
		return made < 0 ? made : made & FABRIC_PASS_MORE;
	if (!fabric_dense_end(task_at, number))
		return FABRIC_PASS_BROKEN;
	if (!fabric_set_ready(slot, task->cells_before, task->cells_sent))
		return FABRIC_PASS_BROKEN;
	return (int)task->cells_sent;
}

#endif /* MEDULLA_FABRIC_UNITS_H */
