// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0
#include "fabric_engine.h"

#include <string.h>

#include "fabric_units.h"

static __u64 slot_number(const struct fabric_task *task, __u32 client, __u32 inference)
{
	return client * task->slots + inference % task->slots;
}

static int all_passes(__u64 task_at, __u64 slot, __u32 chunk)
{
	__u64 pass = 0;
	int made;

	do
		made = fabric_passed(task_at, slot, chunk, pass++);
	while (made == FABRIC_PASS_MORE);
	return made;
}

int fabric_cell_in(
	__u64 task_at, __u32 client, __u32 inference, __u32 chunk, const __u8 *payload, __u64 lane)
{
	const struct fabric_task *task = (const struct fabric_task *)task_at;
	const struct fabric_place *place = (const struct fabric_place *)task->places_at + chunk;
	__u64 slot = slot_number(task, client, inference);
	int made = FABRIC_IN_REPEATED;
	int entered = fabric_enter(task_at, slot, fabric_owner(client, inference), 1);

	if (entered != FABRIC_ENTERED)
		return entered == FABRIC_LATE ? FABRIC_IN_LATE : FABRIC_IN_BUSY;
	if (fabric_is_first(fabric_slot_of(task, slot), chunk)) {
		if (place->run == place->bytes) {
			memcpy((void *)(task->input_at + slot * task->input_stride + place->offset), payload,
			       place->bytes);
		} else {
			memcpy((void *)(task->staging_at + lane * FABRIC_STAGING_BYTES), payload,
			       place->bytes);
			fabric_scatter(task_at, slot, (__u64)place, lane);
		}
		if (task->kind == FABRIC_FAITHFUL)
			made = all_passes(task_at, slot, chunk);
		else
			made = fabric_note(task_at, slot, chunk)
				       ? fabric_arrived(task_at, slot, chunk, lane)
				       : 0;
	}
	fabric_leave(task_at, slot);
	return made;
}

int fabric_cell_out(__u64 task_at, __u32 client, __u32 inference, __u8 *payload, __u32 *bytes)
{
	const struct fabric_task *task = (const struct fabric_task *)task_at;
	__u64 slot = slot_number(task, client, inference), own, row, piece;
	int next = -1;

	if (fabric_enter(task_at, slot, fabric_owner(client, inference), 0) != FABRIC_ENTERED)
		return -1;
	next = fabric_next(task_at, slot);
	if (next >= 0) {
		own = (__u64)next - task->cells_before;
		row = own / task->row_pieces;
		piece = own % task->row_pieces;
		*bytes = (__u32)(piece + 1 == task->row_pieces ? task->last_bytes : task->piece_bytes);
		memcpy(payload,
		       (const void *)(task->output_at + slot * task->output_stride +
				      row * task->output_row + piece * task->piece_bytes),
		       *bytes);
	}
	fabric_leave(task_at, slot);
	return next;
}

int fabric_cells_again(__u64 task_at, __u32 client, __u32 inference, const __u64 *has)
{
	const struct fabric_task *task = (const struct fabric_task *)task_at;
	__u64 slot = slot_number(task, client, inference);
	int count = 0;

	if (fabric_enter(task_at, slot, fabric_owner(client, inference), 0) != FABRIC_ENTERED)
		return 0;
	count = fabric_again(task_at, slot, (__u64)has);
	fabric_leave(task_at, slot);
	return count;
}
