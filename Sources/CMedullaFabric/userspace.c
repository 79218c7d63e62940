// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "fabric_userspace.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fabric_engine.h"
#include "fabric_socket.h"
#include "fabric_ways.h"

#define LOOK_MILLISECONDS 20
/* Where a switch's own cells come from. */
#define OWN FABRIC_PORTS
/* Each switch has one thread. */
#define LANE 0

struct place {
	struct fabric_switch *self;
	__u32 bytes;
	const int *sockets;
	unsigned int random;
};

static void deliver(struct place *at, const __u8 *frame, const struct fabric_cell *cell, __u64 task_at);

static void send_by(struct place *at, __u32 port, const __u8 *frame)
{
	/* What finds no room is lost, like any other cell, and asked for again. */
	if (port < FABRIC_PORTS && at->sockets[port] >= 0)
		(void)!send(at->sockets[port], frame, at->bytes, MSG_DONTWAIT);
}

/* Sends a cell on by its label, and takes it in where the label leads to a layer that is here. */
static void forward(
	struct place *at, __u8 *frame, const struct fabric_cell *cell, const struct fabric_way *way,
	__u32 port)
{
	__u64 ports = port == OWN ? way->ports : way->ports & ~(1ull << port);

	if (!ports && !way->task_at) {
		fabric_count(&at->self->unrouted);
		return;
	}
	if (port == OWN)
		fabric_count(&at->self->received[FABRIC_LOOP]);
	else
		frame[15]--; /* hops */
	for (; ports; ports &= ports - 1)
		send_by(at, (__u32)fabric_lowest(ports), frame);
	if (way->task_at)
		deliver(at, frame, cell, way->task_at);
}

static void send_own(struct place *at, __u8 *frame, const struct fabric_cell *cell)
{
	const struct fabric_way *way = fabric_way_in(at->self, cell, cell->label);

	memset(frame, 0xff, 6);
	memset(frame + 6, 0, 6);
	fabric_write(frame, cell);
	if (way)
		forward(at, frame, cell, way, OWN);
	else
		fabric_count(&at->self->unrouted);
}

/* Sends all cells of outputs that are whole and not on their way. */
static void send_whole(struct place *at, const struct fabric_cell *cell, const struct fabric_task *task)
{
	__u8 frame[FABRIC_HEADER_BYTES + FABRIC_STAGING_BYTES];
	__u64 slot = fabric_slot_number(task, cell);

	for (;;) {
		struct fabric_cell own = *cell;
		__u32 length;
		int number = fabric_cell_out(
			(__u64)task, cell->client, cell->inference, frame + FABRIC_HEADER_BYTES, &length);

		if (number < 0)
			return;
		fabric_output(&own, task, slot, (__u64)number);
		memset(frame + FABRIC_HEADER_BYTES + length, 0, at->bytes - FABRIC_HEADER_BYTES - length);
		fabric_count(&fabric_counts_of(task, LANE)->outputs);
		send_own(at, frame, &own);
	}
}

/* Asks those before a layer, or the client, for what it lacks; `have` are the cells that it has. */
static void ask(
	struct place *at, const struct fabric_cell *cell, const struct fabric_task *task, const __u64 *have)
{
	__u8 frame[FABRIC_HEADER_BYTES + FABRIC_STAGING_BYTES] = {0};
	struct fabric_cell own = *cell;

	fabric_question(&own, task);
	memcpy(frame + FABRIC_HEADER_BYTES, have, FABRIC_CHUNKS / 8);
	send_own(at, frame, &own);
}

static void take_in(
	struct place *at, const __u8 *frame, const struct fabric_cell *cell, const struct fabric_task *task)
{
	const struct fabric_place *place = (const struct fabric_place *)task->places_at + cell->chunk;
	struct fabric_counts *counts = fabric_counts_of(task, LANE);
	int made;

	if (cell->client >= task->clients || cell->chunks != task->cells || cell->chunk >= task->cells ||
	    cell->length != place->bytes) {
		fabric_count(&counts->refused);
		return;
	}
	fabric_count(&counts->cells);
	made = fabric_cell_in(
		(__u64)task, cell->client, cell->inference, cell->chunk, frame + FABRIC_HEADER_BYTES, LANE);
	if (made == FABRIC_IN_REPEATED)
		fabric_count(&counts->repeated);
	else if (made == FABRIC_IN_LATE)
		fabric_count(&counts->late);
	else if (made == FABRIC_IN_BUSY)
		fabric_count(&counts->busy);
	else if (made > 0)
		send_whole(at, cell, task);
}

/* Somebody lacks outputs of a layer: those that are whole are sent again, and what it lacks is asked for. */
static void send_again(
	struct place *at, const __u8 *frame, const struct fabric_cell *cell, const struct fabric_task *task)
{
	__u64 slot = fabric_slot_number(task, cell), has[FABRIC_MASK_WORDS], have[FABRIC_MASK_WORDS] = {0};
	int entered, lacks = 1;

	if (slot == ~0ull || cell->length < sizeof(has))
		return;
	fabric_count(&fabric_counts_of(task, LANE)->again);
	entered = fabric_enter((__u64)task, slot, fabric_owner(cell->client, cell->inference), 0);
	if (entered == FABRIC_ENTERED) {
		const struct fabric_slot *own = fabric_slot_of(task, slot);

		memcpy(has, frame + FABRIC_HEADER_BYTES, sizeof(has));
		fabric_again((__u64)task, slot, (__u64)has);
		lacks = fabric_lacks(task, own);
		memcpy(have, own->have, sizeof(have));
		fabric_leave((__u64)task, slot);
		send_whole(at, cell, task);
	}
	if (lacks && (entered == FABRIC_ENTERED || entered == FABRIC_UNKNOWN))
		ask(at, cell, task, have);
}

static void deliver(struct place *at, const __u8 *frame, const struct fabric_cell *cell, __u64 task_at)
{
	const struct fabric_task *task = (const struct fabric_task *)task_at;

	if (cell->type == FABRIC_DATA)
		take_in(at, frame, cell, task);
	else if (cell->type == FABRIC_MISSING)
		send_again(at, frame, cell, task);
}

static int is_lost(struct place *at)
{
	if (!at->self->is_down &&
	    (!at->self->loss || (__u64)rand_r(&at->random) % 1000000 >= at->self->loss))
		return 0;
	fabric_count(&at->self->dropped);
	return 1;
}

static void receive(struct place *at, __u8 *frame, __u32 port)
{
	struct fabric_cell cell;
	const struct fabric_way *way;
	int status = fabric_parse(frame, at->bytes, &cell);

	if (status == FABRIC_OTHER)
		return;
	/* Passes are made at once here, so that none travels. */
	if (status || cell.pass) {
		fabric_count(&at->self->foreign);
		return;
	}
	fabric_count(&at->self->received[port]);
	if (is_lost(at))
		return;
	way = fabric_way_in(at->self, &cell, cell.label);
	if (!way && cell.hops && at->self->client_ports >> port & 1) {
		fabric_refusal(&cell);
	} else if (!way || !cell.hops) {
		fabric_count(&at->self->unrouted);
		return;
	} else if (way->task_at != FABRIC_ECHO) {
		forward(at, frame, &cell, way, port);
		return;
	} else if (cell.type == FABRIC_DATA) {
		fabric_reply(&cell);
	} else {
		return;
	}
	fabric_write(frame, &cell);
	send_by(at, port, frame);
}

/* Whether an interface is there, if only down. */
static int is_there(int socket)
{
	struct sockaddr_ll address;
	socklen_t bytes = sizeof(address);

	return !getsockname(socket, (struct sockaddr *)&address, &bytes) && address.sll_ifindex > 0;
}

void fabric_stop_serving(__u32 *is_over) { __atomic_store_n(is_over, 1, __ATOMIC_RELEASE); }

int fabric_serve(__u64 memory, __u32 bytes, const int *sockets, const __u32 *is_over)
{
	struct place at = {(struct fabric_switch *)memory, bytes, sockets, (unsigned int)memory};
	struct pollfd polled[FABRIC_PORTS];
	__u32 ports[FABRIC_PORTS];
	nfds_t count = 0;
	__u8 *frames = malloc((size_t)bytes * FABRIC_BATCH);
	int status = frames ? 0 : -ENOMEM;

	for (__u32 port = 0; port < FABRIC_PORTS; port++) {
		if (sockets[port] < 0)
			continue;
		polled[count] = (struct pollfd){.fd = sockets[port], .events = POLLIN};
		ports[count++] = port;
	}
	while (status >= 0 && !__atomic_load_n(is_over, __ATOMIC_ACQUIRE)) {
		int ready = poll(polled, count, LOOK_MILLISECONDS);

		if (ready < 0 && errno != EINTR)
			status = -errno;
		for (nfds_t i = 0; ready > 0 && i < count && status >= 0; i++) {
			if (!polled[i].revents)
				continue;
			status = fabric_receive_frames(polled[i].fd, frames, bytes, FABRIC_BATCH);
			if (status == -ENETDOWN && is_there(polled[i].fd))
				status = 0;
			for (int frame = 0; frame < status; frame++)
				receive(&at, frames + (size_t)frame * bytes, ports[i]);
		}
		fabric_count(&at.self->turns);
	}
	free(frames);
	return status < 0 ? status : 0;
}
