// SPDX-License-Identifier: Apache-2.0
// nf-rogue-function PATH NAME ACT SECONDS SEED
#define _GNU_SOURCE
#include "rogue.h"

#include "host_isolation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CROWD 100
#define GARBAGE_BYTES 300

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

uint64_t rogue_random(struct rogue *rogue)
{
	rogue->state ^= rogue->state << 13;
	rogue->state ^= rogue->state >> 7;
	return rogue->state ^= rogue->state << 17;
}

int rogue_goes_on(struct rogue *rogue)
{
	return now() < rogue->deadline;
}

int rogue_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int channel = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	return channel < 0 || connect(channel, (struct sockaddr *)&address, sizeof(address)) ? -1 : channel;
}

void rogue_say_hello(int channel, const char *name)
{
	struct nf_hello hello = { .magic = NF_HELLO_MAGIC, .version = NF_WELCOME_VERSION };

	strncpy(hello.function, name, sizeof(hello.function) - 1);
	send(channel, &hello, sizeof(hello), MSG_NOSIGNAL);
}

static void receive_welcome(struct rogue *rogue)
{
	char parameters[NF_PARAMETER_BYTES];
	struct iovec parts[] = {
		{ .iov_base = &rogue->welcome, .iov_len = sizeof(rogue->welcome) },
		{ .iov_base = parameters, .iov_len = sizeof(parameters) },
	};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(rogue->descriptors))];
	} control;
	struct msghdr header = {
		.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof(control),
	};

	if (recvmsg(rogue->channel, &header, 0) < (ssize_t)sizeof(rogue->welcome) || !CMSG_FIRSTHDR(&header))
		fail("no welcome");
	rogue->count = (int)((control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(rogue->descriptors, CMSG_DATA(&control.header), (size_t)rogue->count * sizeof(int));
}

static void map_all(struct rogue *rogue)
{
	const struct nf_welcome *welcome = &rogue->welcome;
	const uint64_t ring = (welcome->rings_bytes - NF_AREA_BYTES) / 2;
	socklen_t size = sizeof(rogue->offsets);

	rogue->memory = mmap(NULL, welcome->memory_bytes, PROT_READ, MAP_SHARED,
			     rogue->descriptors[NF_MEMORY_DESCRIPTOR], 0);
	rogue->area = mmap(NULL, welcome->rings_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			   rogue->descriptors[NF_RINGS_DESCRIPTOR], 0);
	if (rogue->memory == MAP_FAILED || rogue->area == MAP_FAILED)
		fail("mmap");
	rogue->in = nf_make_consumer(rogue->area + NF_AREA_BYTES, welcome->ring_entries);
	rogue->out = nf_make_producer(rogue->area + NF_AREA_BYTES + ring, welcome->ring_entries);
	if (!welcome->queues)
		return;
	if (getsockopt(rogue->descriptors[NF_FIXED_DESCRIPTORS], SOL_XDP, XDP_MMAP_OFFSETS, &rogue->offsets,
		       &size))
		fail("offsets");
	rogue->receive_bytes = rogue->offsets.rx.desc + welcome->receive_entries * sizeof(struct xdp_desc);
	rogue->receive = mmap(NULL, rogue->receive_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			      rogue->descriptors[NF_FIXED_DESCRIPTORS], XDP_PGOFF_RX_RING);
	if (rogue->receive == MAP_FAILED)
		fail("receive ring");
}

void rogue_begin(struct rogue *rogue)
{
	const struct nf_accept accepted = {
		.magic = NF_ACCEPT_MAGIC, .version = NF_WELCOME_VERSION, .process = 1,
	};

	send(rogue->channel, &accepted, sizeof(accepted), MSG_NOSIGNAL);
}

static void give(struct rogue *rogue, nf_descriptor descriptor)
{
	if (!nf_produce(&rogue->out, &descriptor, 1))
		rogue->out.is_broken = 0;
}

// Random words over all that it shares with host and kernel.
static void scribble(struct rogue *rogue)
{
	while (rogue_goes_on(rogue)) {
		uint64_t at = rogue_random(rogue) % (rogue->welcome.rings_bytes / 8) * 8;
		uint64_t word = rogue_random(rogue);

		memcpy(rogue->area + at, &word, 8);
		if (rogue->receive) {
			at = rogue_random(rogue) % (rogue->receive_bytes / 4) * 4;
			memcpy(rogue->receive + at, &word, 4);
		}
	}
}

// Every frame of memory, whoever has it.
static void take_foreign(struct rogue *rogue)
{
	for (uint64_t frame = 0; rogue_goes_on(rogue); frame = (frame + 1) % rogue->welcome.frames) {
		const uint64_t verdict = rogue_random(rogue) % 12;

		give(rogue, nf_describe(frame * rogue->welcome.frame_bytes + rogue_random(rogue) % 400,
					(uint32_t)(rogue_random(rogue) % 64), (uint32_t)verdict));
	}
}

// What it gets, each three times.
static void return_twice(struct rogue *rogue)
{
	uint32_t next = 0;

	while (rogue_goes_on(rogue)) {
		nf_descriptor given;

		if (nf_consume(&rogue->in, &given, 1))
			for (int i = 0; i < 3; i++)
				give(rogue, given | (uint64_t)NF_NEXT << NF_VERDICT_SHIFT);
		if (!rogue->receive ||
		    nf_load((uint32_t *)(void *)(rogue->receive + rogue->offsets.rx.producer)) == next)
			continue;
		const struct xdp_desc *entries = (const void *)(rogue->receive + rogue->offsets.rx.desc);
		const struct xdp_desc entry = entries[next % rogue->welcome.receive_entries];

		nf_store((uint32_t *)(void *)(rogue->receive + rogue->offsets.rx.consumer), ++next);
		for (int i = 0; i < 3; i++)
			give(rogue, nf_describe(entry.addr, entry.len, (uint32_t)(rogue_random(rogue) % 3)));
	}
}

static void give_bogus(struct rogue *rogue)
{
	while (rogue_goes_on(rogue))
		give(rogue, rogue_random(rogue));
}

// More than the ring can hold, by the index alone.
static void flood(struct rogue *rogue)
{
	for (uint32_t at = 0; rogue_goes_on(rogue); at += rogue->welcome.ring_entries + 1)
		__atomic_store_n(&rogue->out.ring->produced, at, __ATOMIC_RELEASE);
}

// It finds its frames by their stamps and returns them, and takes none from its receive ring: that is full
// in the end, so that the kernel writes a frame and keeps it, and it returns that one too.
static void keep_full(struct rogue *rogue)
{
	for (uint64_t frame = 0; rogue_goes_on(rogue); frame = (frame + 1) % rogue->welcome.frames) {
		const uint64_t place = frame * rogue->welcome.frame_bytes;
		struct nf_stamp stamp;

		memcpy(&stamp, rogue->memory + place + rogue->welcome.stamp_offset, sizeof(stamp));
		if (stamp.sequence && stamp.seat / NF_QUEUES == 0)
			give(rogue, nf_describe(place, 60, NF_RELEASE));
	}
}

// Wakes without end, and then what is no word of the channel.
static void wake_always(struct rogue *rogue)
{
	while (rogue_goes_on(rogue))
		nf_wake(rogue->channel);
	send(rogue->channel, "no", 2, MSG_NOSIGNAL);
}

static void send_garbage(struct rogue *rogue)
{
	uint8_t bytes[GARBAGE_BYTES];

	while (rogue_goes_on(rogue)) {
		const int channel = rogue_connect(rogue->path);

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)rogue_random(rogue);
		if (channel < 0)
			continue;
		send(channel, bytes, rogue_random(rogue) % sizeof(bytes), MSG_NOSIGNAL);
		close(channel);
	}
}

static void crowd(struct rogue *rogue)
{
	while (rogue_goes_on(rogue)) {
		int channels[CROWD];

		for (int i = 0; i < CROWD; i++)
			channels[i] = rogue_connect(rogue->path);
		usleep(100000);
		for (int i = 0; i < CROWD; i++)
			close(channels[i]);
	}
}

static const struct {
	const char *name;
	void (*act)(struct rogue *rogue);
	int is_function; // it attaches first
	int begins;
} acts[] = {
	{ "rights", rogue_try_rights, 1, 1 }, { "scribble", scribble, 1, 1 },
	{ "foreign", take_foreign, 1, 1 }, { "twice", return_twice, 1, 1 },
	{ "bogus", give_bogus, 1, 1 }, { "flood", flood, 1, 1 },
	{ "full", keep_full, 1, 1 }, { "wakes", wake_always, 1, 1 },
	{ "mute", NULL, 1, 0 }, { "garbage", send_garbage, 0, 0 },
	{ "crowd", crowd, 0, 0 },
};

static void confine(void)
{
	const struct medulla_isolation isolation = { .is_full = 1, .has_receive_rings = 1 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || medulla_confine_calls(&isolation))
		fail("confine");
}

int main(int count, char **words)
{
	struct rogue rogue = { .channel = -1 };

	if (count < 6)
		return 64;
	rogue.path = words[1];
	rogue.name = words[2];
	rogue.deadline = now() + (uint64_t)(atof(words[4]) * 1e9);
	rogue.state = strtoull(words[5], NULL, 10) * 2654435761U + 1;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(words[3], acts[i].name))
			continue;
		if (acts[i].is_function) {
			rogue.channel = rogue_connect(rogue.path);
			rogue_say_hello(rogue.channel, rogue.name);
			receive_welcome(&rogue);
			map_all(&rogue);
		}
		if (acts[i].begins)
			rogue_begin(&rogue);
		if (count > 6)
			confine();
		if (acts[i].act)
			acts[i].act(&rogue);
		while (rogue_goes_on(&rogue))
			usleep(10000);
		return 0;
	}
	return 64;
}
