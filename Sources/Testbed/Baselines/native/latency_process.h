/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What all ways share: the clock, the kernel's objects, inference, and what is said of each answer. */
#ifndef MEDULLA_LATENCY_PROCESS_H
#define MEDULLA_LATENCY_PROCESS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shape.h"
#include "network.h"
#include "question.h"
#include "latency.h"

/* What asker and answerer share beside the way itself: times, and for eventfd the message. */
struct shared {
	struct latency_question question;
	struct latency_answer answer;
	volatile __u64 answered_ns;
	volatile __u64 answered_number;
};

static struct medulla_memory memory;
static struct shared *shared;
static int until_returned;

static __u64 now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "ways: %s: %s\n", what, strerror(errno));
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
		fail("map memory");
	return memory;
}

/* Runs the program once; gives the kernel's measure of it. */
static __u32 test_run(int program)
{
	static unsigned char packet[64];
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.test.prog_fd = (__u32)program;
	attributes.test.data_in = (__u64)(unsigned long)packet;
	attributes.test.data_size_in = sizeof(packet);
	attributes.test.repeat = 1;
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof(attributes)))
		fail("run a program");
	if (attributes.test.retval) {
		errno = ENODATA;
		fail("run a program");
	}
	return attributes.test.duration;
}

static void infer(const struct latency_question *question, struct latency_answer *answer)
{
	int64_t features[MEDULLA_INPUTS], outputs[MEDULLA_OUTPUTS];

	for (int i = 0; i < MEDULLA_INPUTS; i++)
		features[i] = question->features[i];
	medulla_infer(&network, &memory, features, outputs, 1);
	for (int i = 0; i < MEDULLA_OUTPUTS; i++)
		answer->outputs[i] = outputs[i];
	answer->number = question->number;
}

static void check(const struct latency_answer *answer, __u64 number)
{
	if (answer->number == number && !memcmp(answer->outputs, expected, sizeof(answer->outputs)))
		return;
	fprintf(stderr, "ways: question %llu was answered wrongly\n", (unsigned long long)number);
	exit(4);
}

static void answered(__u64 number)
{
	shared->answered_ns = now_ns();
	__atomic_store_n(&shared->answered_number, number, __ATOMIC_RELEASE);
}

#endif /* MEDULLA_LATENCY_PROCESS_H */
