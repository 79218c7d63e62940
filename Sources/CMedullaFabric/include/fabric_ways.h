/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What a switch does with a cell, as far as it is the same in the kernel and outside: where its label leads,
 * whose slot it is for, and the headers of what the switch sends by itself.
 */
#ifndef MEDULLA_FABRIC_WAYS_H
#define MEDULLA_FABRIC_WAYS_H

#include "fabric_cell.h"
#include "fabric_units.h"

typedef FABRIC_AT struct fabric_switch fabric_switch_at;
typedef FABRIC_AT struct fabric_way fabric_way_at;

static __always_inline void fabric_count(fabric_u64 *at) { __sync_fetch_and_add(at, 1); }

/* What a cell's label leads to; 0: there is no such model, or not in its epoch. */
static __always_inline fabric_way_at *fabric_way_in(
	fabric_switch_at *self, const struct fabric_cell *cell, __u32 label)
{
	fabric_way_at *way;

	if (cell->model >= FABRIC_MODELS || label >= FABRIC_LABELS)
		return 0;
	way = &self->ways[cell->model][cell->epoch & (FABRIC_EPOCHS - 1)][label];
	return way->key == 1u + cell->epoch ? way : 0;
}

/* The slot of a cell's inference; beyond all where the client is none. */
static __always_inline __u64 fabric_slot_number(const fabric_task_at *task, const struct fabric_cell *cell)
{
	return cell->client < task->clients
		       ? cell->client * task->slots + cell->inference % (task->slots ? task->slots : 1)
		       : ~0ull;
}

/* Makes a header that of a whole cell of outputs; gives where its payload is. */
static __always_inline __u64 fabric_output(
	struct fabric_cell *cell, const fabric_task_at *task, __u64 slot, __u64 number)
{
	__u64 own = number - task->cells_before, pieces = task->row_pieces ? task->row_pieces : 1;
	__u64 row = own / pieces, piece = own % pieces;

	cell->type = task->is_last ? FABRIC_ANSWER : FABRIC_DATA;
	cell->label += 1;
	cell->chunk = (__u16)number;
	cell->chunks = (__u16)task->cells_next;
	cell->pass = 0;
	cell->length = (__u16)(piece + 1 == pieces ? task->last_bytes : task->piece_bytes);
	cell->checksum = 0;
	cell->hops = FABRIC_HOP_LIMIT;
	return task->output_at + slot * task->output_stride + row * task->output_row +
	       piece * task->piece_bytes;
}

/* Makes a header ask those before a layer, or the client, for cells that it lacks. */
static __always_inline void fabric_question(struct fabric_cell *cell, const fabric_task_at *task)
{
	cell->type = FABRIC_MISSING;
	cell->label = task->is_first ? (__u16)task->answer_label : cell->label - 1;
	cell->chunk = 0;
	cell->chunks = 1;
	cell->length = FABRIC_CHUNKS / 8;
	cell->checksum = 0;
	cell->hops = FABRIC_HOP_LIMIT;
}

/* Makes a header tell a client that there is no such model, or not in this epoch. */
static __always_inline void fabric_refusal(struct fabric_cell *cell)
{
	cell->type = FABRIC_REFUSAL;
	cell->chunk = 0;
	cell->chunks = 1;
	cell->length = 0;
	cell->checksum = 0;
}

/* Makes a probe's header that of its answer. */
static __always_inline void fabric_reply(struct fabric_cell *cell)
{
	cell->type = FABRIC_ANSWER;
	cell->hops = FABRIC_HOP_LIMIT;
	cell->checksum = 0;
}

#endif /* MEDULLA_FABRIC_WAYS_H */
