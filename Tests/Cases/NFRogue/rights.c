// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES 4096

static void tell(const char *what, int worked)
{
	printf("%s=%s\n", what, worked ? "ok" : strerrorname_np(errno));
}

static void try_map(const char *what, int descriptor, int protection, off_t offset)
{
	void *mapped = mmap(NULL, BYTES, protection, MAP_SHARED, descriptor, offset);

	tell(what, mapped != MAP_FAILED);
	if (mapped != MAP_FAILED)
		munmap(mapped, BYTES);
}

static void try_protect(int memory)
{
	void *mapped = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, memory, 0);

	tell("protect", !mprotect(mapped, BYTES, PROT_READ | PROT_WRITE));
}

static void try_open(const char *what, const char *path)
{
	const int opened = open(path, O_RDWR);
	char name[64];

	tell(what, opened >= 0);
	if (opened < 0)
		return;
	snprintf(name, sizeof(name), "%s-map", what);
	try_map(name, opened, PROT_READ | PROT_WRITE, 0);
	close(opened);
}

// A mapping of the receive ring is moved to another of the socket's rings.
static void try_move(const char *what, int socket, uint64_t offset)
{
	void *mapped = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, socket, XDP_PGOFF_RX_RING);

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	tell(what, mapped != MAP_FAILED && !remap_file_pages(mapped, BYTES, 0, offset / BYTES, 0));
}

static void try_memory(int memory)
{
	try_map("map", memory, PROT_READ | PROT_WRITE, 0);
	try_protect(memory);
	tell("write", pwrite(memory, "x", 1, 0) == 1);
	tell("truncate", !ftruncate(memory, 0));
	tell("grow", !ftruncate(memory, 1LL << 40));
	tell("punch", !fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, BYTES));
	tell("mode", !fchmod(memory, 0666));
	tell("seal", !fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE));
}

void rogue_try_rights(struct rogue *rogue)
{
	const int memory = rogue->descriptors[NF_MEMORY_DESCRIPTOR];
	const int rings = rogue->descriptors[NF_RINGS_DESCRIPTOR];
	const int socket = rogue->descriptors[NF_FIXED_DESCRIPTORS];
	struct ucred host;
	socklen_t size = sizeof(host);
	char path[64];

	try_memory(memory);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	try_open("reopen", path);
	if (!getsockopt(rogue->channel, SOL_SOCKET, SO_PEERCRED, &host, &size)) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", host.pid, memory);
		try_open("host-descriptor", path);
		snprintf(path, sizeof(path), "/proc/%d/mem", host.pid);
		try_open("host-memory", path);
	}
	tell("truncate-rings", !ftruncate(rings, 0));
	if (rogue->welcome.queues) {
		try_map("receive", socket, PROT_READ | PROT_WRITE, XDP_PGOFF_RX_RING);
		try_map("transmit", socket, PROT_READ | PROT_WRITE, XDP_PGOFF_TX_RING);
		try_map("fill", socket, PROT_READ | PROT_WRITE, XDP_UMEM_PGOFF_FILL_RING);
		try_map("completion", socket, PROT_READ | PROT_WRITE, (off_t)XDP_UMEM_PGOFF_COMPLETION_RING);
		try_move("moved-fill", socket, XDP_UMEM_PGOFF_FILL_RING);
		try_move("moved-completion", socket, XDP_UMEM_PGOFF_COMPLETION_RING);
	}
	printf("end\n");
	fflush(stdout);
}
