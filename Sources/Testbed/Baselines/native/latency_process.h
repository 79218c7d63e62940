/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What all ways share: test runs, inference, and what is said of each answer. */
#ifndef MEDULLA_LATENCY_PROCESS_H
#define MEDULLA_LATENCY_PROCESS_H

#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "process.h"
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
