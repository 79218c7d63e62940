/* SPDX-License-Identifier: GPL-2.0 */
/* How a switch sends what it has computed, and asks for what it lacks. */
#ifndef FABRIC_SEND_BPF_H
#define FABRIC_SEND_BPF_H

#include "fabric_switch.bpf.h"

/* The source address's last byte, while a frame is copied within the switch: the port that it came by. */
#define FABRIC_CAME_BY 11
/* And of copies that wait to be filled: 1 where there are more than the kernel takes in one go. */
#define FABRIC_IS_LONG 11
#define FABRIC_ONE_GO 16
#define FABRIC_EMPTY 0xff /* found no cell */
/* Multiply-accumulates that take longer than waking a processor. */
#define FABRIC_MUCH 1000000

/* Puts a whole cell of outputs into a frame; the slot is the caller's. */
static __always_inline int fabric_put(
	__u8 *frame, struct fabric_cell *cell, const fabric_task_at *task, __u64 slot, __u64 number)
{
	__u64 payload = fabric_output(cell, task, slot, number);

	fabric_write(frame, cell);
	fabric_load(frame, payload, cell->length);
	fabric_count(&fabric_counts_of(task, 0)->outputs);
	return 1;
}

/* Makes a frame ask those before a layer, or the client, for the cells that it lacks. */
static __always_inline void fabric_ask(
	__u8 *frame, struct fabric_cell *cell, const fabric_task_at *task, const fabric_slot_at *slot)
{
	fabric_question(cell, task);
	fabric_write(frame, cell);
	fabric_load(frame, (__u64)slot->have, slot ? FABRIC_CHUNKS / 8 : 0);
}

/* As many copies as cells are to be sent, by the switch's own wire; each is filled as it leaves. */
static __always_inline int fabric_burst(__u8 *frame, __u64 count)
{
	frame[FABRIC_IS_LONG] = count > FABRIC_ONE_GO;
	if (count <= 2)
		return bpf_redirect_map(&fabric_burst_2, 0, BPF_F_BROADCAST);
	if (count <= 4)
		return bpf_redirect_map(&fabric_burst_4, 0, BPF_F_BROADCAST);
	if (count <= 8)
		return bpf_redirect_map(&fabric_burst_8, 0, BPF_F_BROADCAST);
	if (count <= 16)
		return bpf_redirect_map(&fabric_burst_16, 0, BPF_F_BROADCAST);
	if (count <= 32)
		return bpf_redirect_map(&fabric_burst_32, 0, BPF_F_BROADCAST);
	return bpf_redirect_map(&fabric_burst_64, 0, BPF_F_BROADCAST);
}

/* Sends a frame that the switch has written by its label: at once where one port is all it needs. */
static __always_inline int fabric_send(__u8 *frame, struct fabric_cell *cell)
{
	const fabric_way_at *way = fabric_way(cell, cell->label);
	__u64 ports = way ? way->ports : 0;

	if (way && !way->task_at && ports && !(ports & (ports - 1)))
		return bpf_redirect_map(&fabric_ports, (__u32)fabric_lowest(ports), 0);
	/* A sender's own address must not say that the frame is empty. */
	frame[FABRIC_IS_LONG] = 0;
	return bpf_redirect_map(&fabric_ports, FABRIC_LOOP, 0);
}

/* Sends what a cell has made whole: one in its own frame, several in copies of it. */
static __always_inline int fabric_made(
	__u8 *frame, struct fabric_cell *cell, const fabric_task_at *task, __u64 number, int made, __u64 lane)
{
	int next;

	if (made < 0)
		fabric_count(&fabric_counts_of(task, lane)->broken);
	if (made > 1)
		return fabric_burst(frame, (__u64)made);
	if (made < 1)
		return XDP_DROP;
	next = fabric_next((__u64)task, number);
	if (next < 0 || !fabric_put(frame, cell, task, number, (__u64)next))
		return XDP_DROP;
	return fabric_send(frame, cell);
}

#endif /* FABRIC_SEND_BPF_H */
