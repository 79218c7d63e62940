/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What the native processes share: clock, processor, the kernel's objects, a ring as its reader has it. */
#ifndef MEDULLA_PROCESS_H
#define MEDULLA_PROCESS_H

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Before what a process says; set by the program. */
static const char *process_name;

struct ring {
	unsigned long *consumer;
	const unsigned long *producer;
	const unsigned char *data;
	unsigned long mask;
};

static unsigned long long now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", process_name, what, strerror(errno));
	exit(1);
}

static void keep_to(int processor)
{
	cpu_set_t processors;

	CPU_ZERO(&processors);
	CPU_SET(processor, &processors);
	if (sched_setaffinity(0, sizeof(processors), &processors))
		fail("keep to a processor");
}

/* Of a program or a map, as the command says. */
static int open_identifier(int command, const char *identifier)
{
	union bpf_attr attributes;
	int descriptor;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_id = (__u32)strtoul(identifier, 0, 10);
	descriptor = (int)syscall(SYS_bpf, command, &attributes, sizeof(attributes));
	if (descriptor < 0)
		fail("open a program or map");
	return descriptor;
}

static void *map_memory(int map, size_t bytes, int protection, off_t offset)
{
	void *memory = mmap(0, bytes, protection, MAP_SHARED | MAP_POPULATE, map, offset);

	if (memory == MAP_FAILED)
		fail("map memory of a map");
	return memory;
}

/* The reader's position lies on a page of its own, then the writer's, then the data twice in a row. */
static struct ring open_ring(int map, unsigned long bytes)
{
	long page = sysconf(_SC_PAGESIZE);
	unsigned char *read_only = map_memory(map, page + 2 * bytes, PROT_READ, page);

	return (struct ring){
		.consumer = map_memory(map, page, PROT_READ | PROT_WRITE, 0),
		.producer = (const unsigned long *)read_only,
		.data = read_only + page,
		.mask = bytes - 1,
	};
}

#endif /* MEDULLA_PROCESS_H */
