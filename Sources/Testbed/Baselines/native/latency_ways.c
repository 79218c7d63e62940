/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * The time of one prediction by one way: in the kernel, or by asking a process of its own and having its
 * answer back in the kernel. Every prediction is compared with what it must be.
 *
 *     ways WAY UNTIL COUNT PAUSE ASKER ANSWERER [PROGRAM [QUESTIONS ANSWERS]]
 *
 * WAY: `test` (test run of PROGRAM), `ring`, `spin` (a ring that is looked at all the time), `eventfd`,
 * `pipe`, `netlink`. UNTIL: `answered`, until the answer is in the kernel, for a datapath that takes it at
 * its next packet; `returned`, until the sleeping asker has it. PAUSE: microseconds before each question, in
 * which the answerer falls asleep. ASKER and ANSWERER: processors. PROGRAM, QUESTIONS and ANSWERS:
 * identifiers. Prints COUNT samples, nanoseconds as 32-bit words.
 */
#define _GNU_SOURCE
#include "latency_descriptors.h"
#include "latency_ring.h"

#define COUNT_LIMIT 1000000
#define WARM_UP 200 /* questions before the first that counts */

/* A process of its own on a processor, which goes when the asker goes. */
static pid_t start_answerer(int processor)
{
	pid_t child = fork();

	if (child < 0)
		fail("start the answerer");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		keep_to(processor);
	}
	return child;
}

static void print(const __u32 *samples, unsigned long count)
{
	if (fwrite(samples, sizeof(*samples), count, stdout) != count || fflush(stdout))
		fail("write samples");
}

/* What the command line asks for. */
struct course {
	int is_test, is_ring, spins, is_event;
	int program, questions;
	struct latency_answer *answers;
	unsigned int pause_us;
	struct way way;
};

static struct course course_named(const char *name)
{
	struct course course = { .program = -1, .questions = -1 };

	course.is_test = !strcmp(name, "test");
	course.spins = !strcmp(name, "spin");
	course.is_ring = !strcmp(name, "ring") || course.spins;
	course.is_event = !strcmp(name, "eventfd");
	return course;
}

/* Opens what the way needs; 0 where no way has the name. */
static int open_way(struct course *course, const char *name, char **arguments)
{
	if (course->is_test || course->is_ring)
		course->program = open_identifier(BPF_PROG_GET_FD_BY_ID, arguments[7]);
	if (course->is_ring) {
		course->questions = open_identifier(BPF_MAP_GET_FD_BY_ID, arguments[8]);
		course->answers =
			map_memory(open_identifier(BPF_MAP_GET_FD_BY_ID, arguments[9]),
				   sizeof(*course->answers), PROT_READ | PROT_WRITE, 0);
	} else if (!strcmp(name, "pipe")) {
		open_pipes(&course->way);
	} else if (course->is_event) {
		open_events(&course->way);
	} else if (!strcmp(name, "netlink")) {
		open_sockets(&course->way);
	} else {
		return course->is_test;
	}
	return 1;
}

static __u32 take_sample(struct course *course, unsigned long index)
{
	if (course->is_test) {
		usleep(course->pause_us);
		return test_run(course->program);
	}
	if (course->is_ring)
		return ask_by_ring(course->program, course->questions, course->answers, index + 1,
				   course->pause_us);
	return ask(&course->way, course->is_event, index + 1, course->pause_us);
}

int main(int count, char **arguments)
{
	static __u32 samples[COUNT_LIMIT];
	const char *name = count > 1 ? arguments[1] : "";
	struct course course = course_named(name);
	unsigned long wanted = count > 3 ? strtoul(arguments[3], 0, 10) : 0;
	pid_t answerer = 0;

	process_name = "ways";
	course.pause_us = count > 4 ? (unsigned int)strtoul(arguments[4], 0, 10) : 0;
	if (count != (course.is_ring ? 10 : course.is_test ? 8 : 7) || wanted < 1 || wanted > COUNT_LIMIT) {
		fprintf(stderr, "ways: needs WAY UNTIL COUNT PAUSE ASKER ANSWERER and what the way needs\n");
		return 2;
	}
	until_returned = !strcmp(arguments[2], "returned");
	shared = mmap(0, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("share memory");
	keep_to(atoi(arguments[5]));
	if (!open_way(&course, name, arguments)) {
		fprintf(stderr, "ways: no way is called %s\n", name);
		return 2;
	}
	if (!course.is_test)
		answerer = start_answerer(atoi(arguments[6]));
	if (!course.is_test && answerer == 0) {
		if (course.is_ring)
			serve_ring(course.questions, course.answers, course.spins);
		serve(&course.way, course.is_event);
	}
	for (unsigned long i = 0; i < wanted + WARM_UP; i++) {
		__u32 sample = take_sample(&course, i);

		if (i >= WARM_UP)
			samples[i - WARM_UP] = sample;
		if (answerer && i % 64 == 0 && waitpid(answerer, 0, WNOHANG)) {
			fprintf(stderr, "ways: the answerer has ended\n");
			return 1;
		}
	}
	if (answerer) {
		kill(answerer, SIGKILL);
		waitpid(answerer, 0, 0);
	}
	print(samples, wanted);
	return 0;
}
