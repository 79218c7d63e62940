/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* The ways with a system call in each direction: pipe, event counter, netlink. */
#ifndef MEDULLA_LATENCY_DESCRIPTORS_H
#define MEDULLA_LATENCY_DESCRIPTORS_H

#include "latency_process.h"

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

#endif /* MEDULLA_LATENCY_DESCRIPTORS_H */
