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
#include "image.h"
#include "question.h"
#include "latency.h"

#define COUNT_LIMIT 1000000
#define WARM_UP 200 /* questions before the first that counts */

/* What asker and answerer share beside the way itself: times, and for eventfd the message. */
struct shared {
	struct latency_question question;
	struct latency_answer answer;
	volatile __u64 answered_ns;
	volatile __u64 answered_number;
};

static struct medulla_scratch scratch;
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
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		scratch.words[MEDULLA_FEATURES_OFFSET + i] = question->features[i];
	medulla_infer(&image, &scratch);
	for (int i = 0; i < MEDULLA_OUTPUTS; i++)
		answer->outputs[i] = scratch.words[MEDULLA_OUTPUTS_OFFSET + i];
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

/* A way with a system call in each direction. */
struct way {
	int question[2]; /* read here, write there */
	int answer[2];
	unsigned int question_port; /* of netlink: whom to send to */
	unsigned int answer_port;
};

static void open_pipes(struct way *way)
{
	if (pipe(way->question) || pipe(way->answer))
		fail("make pipes");
}

static void open_events(struct way *way)
{
	way->question[0] = way->question[1] = eventfd(0, 0);
	way->answer[0] = way->answer[1] = eventfd(0, 0);
	if (way->question[0] < 0 || way->answer[0] < 0)
		fail("make event counters");
}

static int open_netlink(unsigned int *port)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	socklen_t size = sizeof(address);
	int number = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);

	if (number < 0 || bind(number, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockname(number, (struct sockaddr *)&address, &size))
		fail("open netlink");
	*port = address.nl_pid;
	return number;
}

static void open_sockets(struct way *way)
{
	/* The asker's socket gets answers, the answerer's gets questions. */
	way->question[0] = way->answer[1] = open_netlink(&way->question_port);
	way->answer[0] = way->question[1] = open_netlink(&way->answer_port);
}

static void put(int descriptor, unsigned int port, const void *data, size_t size)
{
	struct {
		struct nlmsghdr header;
		unsigned char data[sizeof(struct latency_question)];
	} message = { .header = { .nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = NLMSG_MIN_TYPE } };
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_pid = port };
	ssize_t put;

	if (!port) {
		put = write(descriptor, data, size);
	} else {
		memcpy(message.data, data, size);
		size = message.header.nlmsg_len;
		put = sendto(descriptor, &message, size, 0, (struct sockaddr *)&address, sizeof(address));
	}
	if (put != (ssize_t)size)
		fail("write");
}

static void get(int descriptor, int is_netlink, void *data, size_t size)
{
	struct {
		struct nlmsghdr header;
		unsigned char data[sizeof(struct latency_question)];
	} message;
	size_t whole = is_netlink ? NLMSG_LENGTH(size) : size;

	if (read(descriptor, is_netlink ? (void *)&message : data, whole) != (ssize_t)whole)
		fail("read");
	if (is_netlink)
		memcpy(data, message.data, size);
}

/* An event counter carries no message: it lies in memory that both have. */
static void give(const struct way *way, int is_event, const void *message, size_t size, int is_question)
{
	__u64 one = 1;

	if (is_event) {
		memcpy(is_question ? (void *)&shared->question : (void *)&shared->answer, message, size);
		message = &one;
		size = sizeof(one);
	}
	put(is_question ? way->question[1] : way->answer[1],
	    is_question ? way->question_port : way->answer_port, message, size);
}

static void take(const struct way *way, int is_event, void *message, size_t size, int is_question)
{
	__u64 count;
	int descriptor = is_question ? way->question[0] : way->answer[0];

	get(descriptor, way->question_port != 0, is_event ? (void *)&count : message,
	    is_event ? sizeof(count) : size);
	if (is_event)
		memcpy(message, is_question ? (void *)&shared->question : (void *)&shared->answer, size);
}

static void serve(const struct way *way, int is_event)
{
	struct latency_question question;
	struct latency_answer answer;

	for (;;) {
		take(way, is_event, &question, sizeof(question), 1);
		infer(&question, &answer);
		give(way, is_event, &answer, sizeof(answer), 0);
		answered(question.number);
	}
}

static void await_answered(__u64 number)
{
	while (__atomic_load_n(&shared->answered_number, __ATOMIC_ACQUIRE) < number)
		usleep(20);
}

static __u32 ask(const struct way *way, int is_event, __u64 number, unsigned int pause_us)
{
	struct latency_question question = { .number = number };
	struct latency_answer answer;
	__u64 returned;

	memcpy(question.features, features, sizeof(features));
	usleep(pause_us);
	question.time_ns = now_ns();
	give(way, is_event, &question, sizeof(question), 1);
	/* Who waits in the kernel is woken by the answer; who does not leaves the processor to another. */
	if (!until_returned)
		await_answered(number);
	take(way, is_event, &answer, sizeof(answer), 0);
	returned = now_ns();
	check(&answer, number);
	await_answered(number);
	return (__u32)((until_returned ? returned : shared->answered_ns) - question.time_ns);
}

/* The ring: as libbpf reads it. */
struct ring {
	unsigned long *consumer;
	const unsigned long *producer;
	const unsigned char *data;
};

static struct ring open_ring(int map)
{
	long page = sysconf(_SC_PAGESIZE);
	unsigned char *read_only = map_memory(map, page + 2UL * LATENCY_RING_BYTES, PROT_READ, page);

	return (struct ring){
		.consumer = map_memory(map, page, PROT_READ | PROT_WRITE, 0),
		.producer = (const unsigned long *)read_only,
		.data = read_only + page,
	};
}

static void drain(const struct ring *ring, struct latency_answer *answers)
{
	unsigned long read = *ring->consumer;

	while (read < __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)) {
		const unsigned char *record = ring->data + (read & (LATENCY_RING_BYTES - 1));
		unsigned int bytes = __atomic_load_n((const unsigned int *)record, __ATOMIC_ACQUIRE);
		const struct latency_question *question =
			(const struct latency_question *)(record + BPF_RINGBUF_HDR_SZ);

		if (bytes & BPF_RINGBUF_BUSY_BIT)
			return;
		infer(question, answers);
		answered(question->number);
		read += (bytes + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
		__atomic_store_n(ring->consumer, read, __ATOMIC_SEQ_CST);
	}
}

static void serve_ring(int map, struct latency_answer *answers, int spins)
{
	struct ring ring = open_ring(map);
	struct epoll_event event = { .events = EPOLLIN };
	int poll = epoll_create1(EPOLL_CLOEXEC);

	if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, map, &event))
		fail("wait for the ring");
	for (;;) {
		if (!spins && epoll_wait(poll, &event, 1, -1) < 0 && errno != EINTR)
			fail("wait for the ring");
		drain(&ring, answers);
	}
}

static __u32 ask_by_ring(int program, int questions, struct latency_answer *answers, __u64 number,
			 unsigned int pause_us)
{
	static struct ring ring;
	const struct latency_question *question;

	if (!ring.data)
		ring = open_ring(questions);
	usleep(pause_us);
	question = (const struct latency_question *)(ring.data +
						     (*ring.producer & (LATENCY_RING_BYTES - 1)) +
						     BPF_RINGBUF_HDR_SZ);
	test_run(program);
	await_answered(number);
	check(answers, number);
	return (__u32)(shared->answered_ns - question->time_ns);
}

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

int main(int count, char **arguments)
{
	static __u32 samples[COUNT_LIMIT];
	const char *name = count > 1 ? arguments[1] : "";
	int is_test = !strcmp(name, "test"), spins = !strcmp(name, "spin");
	int is_ring = !strcmp(name, "ring") || spins, is_event = !strcmp(name, "eventfd");
	unsigned long wanted = count > 3 ? strtoul(arguments[3], 0, 10) : 0;
	unsigned int pause_us = count > 4 ? (unsigned int)strtoul(arguments[4], 0, 10) : 0;
	struct latency_answer *answers = 0;
	struct way way = { .question_port = 0 };
	int program = -1, questions = -1;
	pid_t answerer = 0;

	if (count != (is_ring ? 10 : is_test ? 8 : 7) || wanted < 1 || wanted > COUNT_LIMIT) {
		fprintf(stderr, "ways: needs WAY UNTIL COUNT PAUSE ASKER ANSWERER and what the way needs\n");
		return 2;
	}
	until_returned = !strcmp(arguments[2], "returned");
	shared = mmap(0, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("share memory");
	keep_to(atoi(arguments[5]));
	if (is_test || is_ring)
		program = open_identifier(BPF_PROG_GET_FD_BY_ID, arguments[7]);
	if (is_ring) {
		questions = open_identifier(BPF_MAP_GET_FD_BY_ID, arguments[8]);
		answers = map_memory(open_identifier(BPF_MAP_GET_FD_BY_ID, arguments[9]), sizeof(*answers),
				     PROT_READ | PROT_WRITE, 0);
	} else if (!strcmp(name, "pipe")) {
		open_pipes(&way);
	} else if (is_event) {
		open_events(&way);
	} else if (!strcmp(name, "netlink")) {
		open_sockets(&way);
	} else if (!is_test) {
		fprintf(stderr, "ways: no way is called %s\n", name);
		return 2;
	}
	if (!is_test)
		answerer = start_answerer(atoi(arguments[6]));
	if (!is_test && answerer == 0) {
		if (is_ring)
			serve_ring(questions, answers, spins);
		serve(&way, is_event);
	}
	for (unsigned long i = 0; i < wanted + WARM_UP; i++) {
		__u32 sample;

		if (is_test) {
			usleep(pause_us);
			sample = test_run(program);
		} else if (is_ring) {
			sample = ask_by_ring(program, questions, answers, i + 1, pause_us);
		} else {
			sample = ask(&way, is_event, i + 1, pause_us);
		}
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
