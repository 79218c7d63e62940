// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IDLE_LOOKS 64	  // between two looks at the clock and the channel, spinning
#define SLEEP_AFTER 50000 // nanoseconds of idleness before a function of mode `sleep` does
#define FLUSH_AT 64	  // returned frames that the host is told of at once

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

const struct nf_welcome *medulla_nf_welcome(const struct medulla_nf *nf)
{
	return &nf->welcome;
}

const char *medulla_nf_parameters(const struct medulla_nf *nf)
{
	return nf->parameters;
}

const uint8_t *medulla_nf_memory(const struct medulla_nf *nf, uint64_t *bytes)
{
	if (bytes)
		*bytes = nf->welcome.memory_bytes;
	return nf->memory;
}

uint8_t *medulla_nf_writable_memory(struct medulla_nf *nf)
{
	return nf->welcome.flags & NF_WRITABLE ? nf->memory : NULL;
}

uint64_t medulla_nf_held(const struct medulla_nf *nf)
{
	return nf->received - nf->returned;
}

// Where a frame was received, however far a function before has moved its first byte.
static uint64_t stamp_place(const struct medulla_nf *nf, uint64_t place)
{
	return place - place % nf->welcome.frame_bytes + nf->welcome.stamp_offset;
}

static void describe(const struct medulla_nf *nf, struct medulla_nf_frame *frame, uint64_t place,
		     uint32_t length)
{
	struct nf_stamp stamp;

	// Payload of UDP lies at multiples of 16 bytes, so the stamp does not.
	memcpy(&stamp, nf->memory + stamp_place(nf, place), sizeof(stamp));
	frame->bytes = nf->memory + place;
	frame->place = place;
	frame->length = length;
	frame->rule = stamp.rule;
	frame->nanoseconds = nf->welcome.flags & NF_KNOWS_TIME ? stamp.nanoseconds : 0;
}

// Of what the kernel or the host wrote.
static int lies_in_memory(const struct medulla_nf *nf, uint64_t place, uint32_t length)
{
	return place < nf->welcome.memory_bytes &&
	       length <= nf->welcome.frame_bytes - place % nf->welcome.frame_bytes;
}

static int take_received(struct medulla_nf *nf, struct receive_ring *ring, struct medulla_nf_frame *frames,
			 int most)
{
	uint32_t there = nf_load(ring->producer) - ring->next;
	int taken = 0;

	if (!there)
		return 0;
	if (there > ring->mask + 1)
		return -EPROTO;
	if (there > (uint32_t)most)
		there = (uint32_t)most;
	for (uint32_t i = 0; i < there; i++)
		nf_prefetch(nf->memory + stamp_place(nf, ring->entries[(ring->next + i) & ring->mask].addr));
	for (uint32_t i = 0; i < there; i++) {
		const struct xdp_desc *entry = &ring->entries[(ring->next + i) & ring->mask];

		if (!lies_in_memory(nf, entry->addr, entry->len))
			return -EPROTO;
		describe(nf, &frames[taken++], entry->addr, entry->len);
	}
	ring->next += there;
	nf_store(ring->consumer, ring->next);
	return taken;
}

static int take_given(struct medulla_nf *nf, struct medulla_nf_frame *frames, int most)
{
	nf_descriptor given[NF_BATCH];
	uint32_t count = nf_consume(&nf->in, given, most < NF_BATCH ? (uint32_t)most : NF_BATCH);

	if (nf->in.is_broken)
		return -EPROTO;
	for (uint32_t i = 0; i < count; i++) {
		if (!lies_in_memory(nf, nf_place(given[i]), nf_length(given[i])))
			return -EPROTO;
		describe(nf, &frames[i], nf_place(given[i]), nf_length(given[i]));
	}
	return (int)count;
}

static int take(struct medulla_nf *nf, struct medulla_nf_frame *frames, int most)
{
	int taken = 0;

	for (uint32_t i = 0; i < nf->queues && taken < most; i++) {
		int count = take_received(nf, &nf->receive[i], frames + taken, most - taken);

		if (count < 0)
			return count;
		taken += count;
	}
	if (taken < most) {
		int count = take_given(nf, frames + taken, most - taken);

		if (count < 0)
			return count;
		taken += count;
	}
	nf->received += (uint64_t)taken;
	return taken;
}

// Sleeps until something may have come, the host has gone, or the time is up.
static int sleep_for(struct medulla_nf *nf, uint64_t until)
{
	struct pollfd watched[1 + NF_WELCOME_QUEUES] = { { .fd = nf->channel, .events = POLLIN } };
	const nfds_t count = 1 + (nfds_t)nf->queues;
	const uint64_t time = now();
	struct timespec left = { 0 };
	int slept;

	if (time >= until)
		return 0;
	left.tv_sec = (time_t)((until - time) / 1000000000ULL);
	left.tv_nsec = (long)((until - time) % 1000000000ULL);
	for (uint32_t i = 0; i < nf->queues; i++)
		watched[1 + i] = (struct pollfd){ .fd = nf->receive[i].socket, .events = POLLIN };
	if (!nf_may_sleep(&nf->in))
		return 0;
	slept = ppoll(watched, count, &left, NULL);
	nf_has_woken(&nf->in);
	if (slept < 0)
		return errno == EINTR ? 0 : -errno;
	return nf_take_wakes(nf->channel) ? 0 : -EPIPE;
}

static int gone(struct medulla_nf *nf)
{
	medulla_nf_end(nf);
	return -EPIPE;
}

// The first look begins the time; 1 when it is up, or a negative errno.
static int wait_for_frames(struct medulla_nf *nf, int64_t nanoseconds, uint64_t *begun, uint64_t *until)
{
	const uint64_t time = now();

	if (!*begun) {
		*begun = time;
		*until = nanoseconds < 0 ? UINT64_MAX : time + (uint64_t)nanoseconds;
	}
	// A host that has gone leaves frames behind, which no one would take back.
	if (!nf_take_wakes(nf->channel))
		return -EPIPE;
	if (time >= *until)
		return 1;
	return nf->welcome.mode == NF_SLEEP && time - *begun > SLEEP_AFTER ? sleep_for(nf, *until) : 0;
}

int medulla_nf_receive(struct medulla_nf *nf, struct medulla_nf_frame *frames, int most, int64_t nanoseconds)
{
	uint64_t begun = 0, until = 0;
	int count = nf->channel < 0 ? -EPIPE : medulla_nf_flush(nf);

	if (count < 0 || most <= 0)
		return count < 0 ? count : -EINVAL;
	__atomic_store_n(&nf->area->beats, ++nf->beats, __ATOMIC_RELAXED);
	for (uint32_t look = 0;; look++) {
		count = take(nf, frames, most);
		nf->is_broken |= count < 0;
		if (count)
			return count;
		if (nf->welcome.mode == NF_SPIN)
			nf_pause();
		else
			sched_yield();
		if (look % IDLE_LOOKS == 0) {
			const int status = wait_for_frames(nf, nanoseconds, &begun, &until);

			if (status)
				return status == -EPIPE ? gone(nf) : status == 1 ? 0 : status;
		}
	}
}

int medulla_nf_flush(struct medulla_nf *nf)
{
	uint32_t given;

	if (nf->is_broken)
		return -EPROTO;
	if (!nf->waiting)
		return 0;
	given = nf_produce(&nf->out, nf->returns, nf->waiting);
	// The ring holds all frames that this function may have, so the host's index must be nonsense.
	nf->is_broken = given != nf->waiting;
	nf->waiting = 0;
	if (nf_must_wake(&nf->out))
		nf_wake(nf->channel);
	if (nf->is_broken)
		return -EPROTO;
	return 0;
}

int medulla_nf_return(struct medulla_nf *nf, uint64_t place, uint32_t length, uint32_t verdict)
{
	if (nf->returned == nf->received)
		return -EOVERFLOW;
	if (length > 0xffff || verdict >= NF_BRANCH + NF_BRANCHES)
		return -EINVAL;
	nf->returns[nf->waiting++] = nf_describe(place, length, verdict);
	nf->returned++;
	return nf->waiting == FLUSH_AT ? medulla_nf_flush(nf) : 0;
}

int medulla_nf_return_batch(struct medulla_nf *nf, const struct medulla_nf_frame *frames, int count,
			    const uint8_t *verdicts)
{
	for (int i = 0; i < count; i++) {
		const int error = medulla_nf_return(nf, frames[i].place, frames[i].length, verdicts[i]);

		if (error)
			return error;
	}
	return 0;
}

int medulla_nf_count(struct medulla_nf *nf, const char *name, uint64_t value)
{
	for (uint32_t i = 0; i < NF_COUNTERS; i++) {
		struct nf_counter *counter = &nf->area->counters[i];

		if (i == nf->counters) {
			__atomic_store_n(&counter->value, value, __ATOMIC_RELEASE);
			strncpy(counter->name, name, sizeof(counter->name) - 1);
			nf->counters++;
			return 0;
		}
		if (!strncmp(counter->name, name, sizeof(counter->name) - 1)) {
			__atomic_store_n(&counter->value, value, __ATOMIC_RELAXED);
			return 0;
		}
	}
	return -ENOSPC;
}
