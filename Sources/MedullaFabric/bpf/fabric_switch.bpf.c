// SPDX-License-Identifier: GPL-2.0
/*
 * A switch of a fabric: forwards cells by their label, takes in those of the layers that are on it, and sends
 * the outputs on as soon as they are whole. All that it knows is data in its memory.
 */
#include "fabric_send.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Takes a payload to its place in the layer's inputs. */
static __always_inline int fabric_store_cell(
	const __u8 *frame, const fabric_task_at *task, const fabric_place_at *place, __u64 slot, __u64 lane)
{
	if (place->run == place->bytes)
		return fabric_keep(
			frame, task->input_at + slot * task->input_stride + place->offset, place->bytes);
	return fabric_keep(frame, task->staging_at + lane * FABRIC_STAGING_BYTES, place->bytes) &&
	       fabric_scatter((__u64)task, slot, (__u64)place, lane);
}

/*
 * A cell of a layer's inputs. What it sets free is computed here, or, when that is much, by one of several
 * `processors`, to which the frame goes as a sign.
 */
static __always_inline int fabric_take_in(
	__u8 *frame, struct fabric_cell *cell, const fabric_task_at *task, __u64 lane, __u64 processors)
{
	const fabric_place_at *place =
		(const fabric_place_at *)(task->places_at + cell->chunk * sizeof(*place));
	fabric_counts_at *counts = fabric_counts_of(task, lane);
	__u64 number = fabric_slot_number(task, cell), task_at = (__u64)task;
	int entered, action = XDP_DROP;

	if (number == ~0ull || cell->chunks != task->cells || cell->chunk >= task->cells ||
	    cell->length != place->bytes) {
		fabric_count(&counts->refused);
		return XDP_DROP;
	}
	if (!cell->pass)
		counts->cells++;
	entered = fabric_enter(task_at, number, fabric_owner(cell->client, cell->inference), !cell->pass);
	if (entered != FABRIC_ENTERED) {
		fabric_count(entered == FABRIC_LATE ? &counts->late : &counts->busy);
		return XDP_DROP;
	}
	if (!cell->pass && !fabric_is_first(fabric_slot_of(task, number), cell->chunk)) {
		counts->repeated++;
		goto out;
	}
	if (!cell->pass && !fabric_store_cell(frame, task, place, number, lane)) {
		fabric_count(&counts->broken);
	} else if (task->kind == FABRIC_FAITHFUL) {
		int made = fabric_passed(task_at, number, cell->chunk, cell->pass);

		if (made == FABRIC_PASS_MORE) {
			cell->pass++;
			fabric_write(frame, cell);
			action = bpf_redirect_map(&fabric_ports, FABRIC_HERE, 0);
		} else {
			action = fabric_made(frame, cell, task, number, made, lane);
		}
	} else if (fabric_note(task_at, number, cell->chunk)) {
		if (processors > 1 && place->work >= FABRIC_MUCH)
			action = bpf_redirect_map(
				&fabric_processors, (__u32)((cell->inference + place->turn) % processors), 0);
		else
			action = fabric_made(
				frame, cell, task, number, fabric_arrived(task_at, number, cell->chunk, lane),
				lane);
	}
out:
	fabric_leave(task_at, number);
	return action;
}

/* Somebody lacks outputs of a layer: those that are whole are sent again, and what it lacks is asked for. */
static __always_inline int fabric_send_again(
	__u8 *frame, struct fabric_cell *cell, const fabric_task_at *task, __u64 lane)
{
	__u64 number = fabric_slot_number(task, cell), task_at = (__u64)task;
	__u64 has = task->staging_at + lane * FABRIC_STAGING_BYTES;
	int entered, lacks, wanted, action = XDP_DROP;
	fabric_slot_at *slot;

	if (number == ~0ull || cell->length < FABRIC_CHUNKS / 8)
		return XDP_DROP;
	fabric_count(&fabric_counts_of(task, lane)->again);
	entered = fabric_enter(task_at, number, fabric_owner(cell->client, cell->inference), 0);
	if (entered == FABRIC_UNKNOWN) {
		fabric_ask(frame, cell, task, 0);
		return fabric_send(frame, cell);
	}
	if (entered != FABRIC_ENTERED)
		return XDP_DROP;
	slot = fabric_slot_of(task, number);
	wanted = fabric_keep(frame, has, FABRIC_CHUNKS / 8) ? fabric_again(task_at, number, has) : 0;
	lacks = fabric_lacks(task, slot);
	if (lacks && wanted <= 0) {
		fabric_ask(frame, cell, task, slot);
		action = fabric_send(frame, cell);
	} else if (wanted > 0) {
		if (lacks)
			__sync_lock_test_and_set(&slot->ask, 1);
		action = fabric_burst(frame, (__u64)wanted + (lacks ? 1 : 0));
	}
	fabric_leave(task_at, number);
	return action;
}

/* A cell for a layer that is here. */
static __always_inline int fabric_deliver(
	__u8 *frame, struct fabric_cell *cell, const fabric_way_at *way, __u64 processors)
{
	const fabric_task_at *task = (const fabric_task_at *)way->task_at;
	__u64 lane = fabric_lane(task);

	if (lane >= FABRIC_LANES)
		return XDP_DROP;
	if (cell->type == FABRIC_DATA)
		return fabric_take_in(frame, cell, task, lane, processors);
	return cell->type == FABRIC_MISSING ? fabric_send_again(frame, cell, task, lane) : XDP_DROP;
}

/* Answers a client that there is no such model, or not in this epoch. */
static __always_inline int fabric_refuse(__u8 *frame, struct fabric_cell *cell)
{
	fabric_refusal(cell);
	fabric_write(frame, cell);
	return XDP_TX;
}

/* Sends a probe of a link back, once: who sends it knows by the answer that the link is there. */
static __always_inline int fabric_echo(__u8 *frame, struct fabric_cell *cell)
{
	if (cell->type != FABRIC_DATA)
		return XDP_DROP;
	fabric_reply(cell);
	fabric_write(frame, cell);
	return XDP_TX;
}

static __always_inline int fabric_forward(__u8 *frame, const fabric_way_at *way, __u64 ports, __u64 port)
{
	if (!ports) {
		fabric_count(&fabric_self()->unrouted);
		return XDP_DROP;
	}
	frame[15]--; /* hops */
	if (!(ports & (ports - 1)) && !way->task_at)
		return bpf_redirect_map(&fabric_ports, (__u32)fabric_lowest(ports), 0);
	frame[FABRIC_CAME_BY] = (__u8)port;
	return bpf_redirect_map(&fabric_spread, 0, BPF_F_BROADCAST);
}

/* Where loss is asked for, some cells are lost as they come in from others. */
static __always_inline int fabric_is_lost(fabric_switch_at *self, __u64 port)
{
	if (port <= FABRIC_HERE)
		return 0;
	if (!self->is_down && (!self->loss || bpf_get_prandom_u32() % 1000000 >= self->loss))
		return 0;
	fabric_count(&self->dropped);
	return 1;
}

SEC("xdp")
int fabric_receive(struct xdp_md *context)
{
	__u8 *frame = fabric_frame(context);
	fabric_switch_at *self = fabric_self();
	struct fabric_cell cell;
	const fabric_way_at *way;
	__u64 port, ports;

	FABRIC_USES_MEMORY;
	if (!frame)
		return XDP_PASS;
	switch (fabric_read(frame, &cell)) {
	case 0:
		break;
	case FABRIC_OTHER:
		return XDP_PASS;
	default:
		fabric_count(&self->foreign);
		return XDP_DROP;
	}
	port = self->port_of[context->ingress_ifindex & (FABRIC_INTERFACES - 1)];
	port = (port ? port - 1 : FABRIC_PORTS - 1) & (FABRIC_PORTS - 1);
	if (port == FABRIC_HERE && frame[FABRIC_IS_LONG] == FABRIC_EMPTY)
		return XDP_DROP;
	fabric_count(&self->received[port]);
	if (cell.pass && port != FABRIC_LOOP) {
		fabric_count(&self->foreign);
		return XDP_DROP;
	}
	if (fabric_is_lost(self, port))
		return XDP_DROP;
	way = fabric_way(&cell, cell.label);
	if (!way || !cell.hops) {
		if (!way && self->client_ports >> port & 1)
			return fabric_refuse(frame, &cell);
		fabric_count(&self->unrouted);
		return XDP_DROP;
	}
	if (way->task_at == FABRIC_ECHO)
		return fabric_echo(frame, &cell);
	ports = way->ports & ~(1ull << port);
	if (!way->task_at || (ports && port != FABRIC_LOOP))
		return fabric_forward(frame, way, ports, port);
	return fabric_deliver(frame, &cell, way, self->lane_count);
}

/* On the processor that the units which have waited for a cell were given to. */
SEC("xdp/cpumap")
int fabric_process(struct xdp_md *context)
{
	__u8 *frame = fabric_frame(context);
	const fabric_task_at *task;
	const fabric_way_at *way;
	struct fabric_cell cell;
	__u64 number, lane;
	int made, action;

	FABRIC_USES_MEMORY;
	if (!frame || fabric_read(frame, &cell))
		return XDP_DROP;
	way = fabric_way(&cell, cell.label);
	if (!way || !way->task_at)
		return XDP_DROP;
	task = (const fabric_task_at *)way->task_at;
	number = fabric_slot_number(task, &cell);
	lane = fabric_lane(task);
	if (lane >= FABRIC_LANES || number == ~0ull || cell.chunk >= task->cells ||
	    fabric_enter((__u64)task, number, fabric_owner(cell.client, cell.inference), 0) != FABRIC_ENTERED)
		return XDP_DROP;
	made = fabric_arrived((__u64)task, number, cell.chunk, lane);
	if (made >= 0)
		made = fabric_help((__u64)task, number, (__u64)made, lane);
	action = fabric_made(frame, &cell, task, number, made, lane);
	fabric_leave((__u64)task, number);
	return action;
}

/* A copy that leaves by the switch's own wire: it becomes one of the cells that wait. */
SEC("xdp/devmap")
int fabric_fill(struct xdp_md *context)
{
	__u8 *frame = fabric_frame(context);
	const fabric_task_at *task;
	const fabric_way_at *way;
	struct fabric_cell cell;
	int next, is_filled = 0, action = XDP_DROP;
	__u64 number;

	FABRIC_USES_MEMORY;
	if (!frame || fabric_read(frame, &cell))
		return XDP_DROP;
	/*
	 * The kernel wakes a wire's other end for the last of several goes alone, and for none that a program
	 * drops as a whole: of a long burst every copy goes out, those that find no cell as such.
	 */
	if (frame[FABRIC_IS_LONG])
		action = XDP_PASS;
	way = fabric_way(&cell, cell.label);
	if (!way || !way->task_at)
		goto out;
	task = (const fabric_task_at *)way->task_at;
	number = fabric_slot_number(task, &cell);
	if (number == ~0ull ||
	    fabric_enter((__u64)task, number, fabric_owner(cell.client, cell.inference), 0) != FABRIC_ENTERED)
		goto out;
	next = fabric_next((__u64)task, number);
	if (next >= 0) {
		fabric_put(frame, &cell, task, number, (__u64)next);
		is_filled = 1;
	} else if (__sync_lock_test_and_set(&fabric_slot_of(task, number)->ask, 0)) {
		fabric_ask(frame, &cell, task, fabric_slot_of(task, number));
		is_filled = 1;
	}
	fabric_leave((__u64)task, number);
out:
	frame[FABRIC_IS_LONG] = is_filled ? 0 : FABRIC_EMPTY;
	return is_filled ? XDP_PASS : action;
}

/* A copy of a cell that leaves by every port: only those that its label asks for go out. */
SEC("xdp/devmap")
int fabric_copy(struct xdp_md *context)
{
	__u8 *frame = fabric_frame(context);
	fabric_switch_at *self = fabric_self();
	struct fabric_cell cell;
	const fabric_way_at *way;
	__u64 port, ports;

	FABRIC_USES_MEMORY;
	if (!frame || fabric_read(frame, &cell))
		return XDP_DROP;
	way = fabric_way(&cell, cell.label);
	if (!way)
		return XDP_DROP;
	ports = way->ports & ~(1ull << (frame[FABRIC_CAME_BY] & (FABRIC_PORTS - 1)));
	if (way->task_at)
		ports |= 1ull << FABRIC_HERE;
	port = self->port_of[context->egress_ifindex & (FABRIC_INTERFACES - 1)];
	if (!port || !(ports >> (port - 1) & 1))
		return XDP_DROP;
	return XDP_PASS;
}

/* Has a device take frames that others redirect to it, where nothing is to be done with them. */
SEC("xdp")
int fabric_pass(struct xdp_md *context)
{
	return XDP_PASS;
}
