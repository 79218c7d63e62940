/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* The way by ring buffer, read as libbpf does: a program in the kernel asks, its map gets the answer. */
#ifndef MEDULLA_LATENCY_RING_H
#define MEDULLA_LATENCY_RING_H

#include "latency_process.h"

static void drain(const struct ring *ring, struct latency_answer *answers)
{
	unsigned long read = *ring->consumer;

	while (read < __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)) {
		const unsigned char *record = ring->data + (read & ring->mask);
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
	struct ring ring = open_ring(map, LATENCY_RING_BYTES);
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
		ring = open_ring(questions, LATENCY_RING_BYTES);
	usleep(pause_us);
	question = (const struct latency_question *)(ring.data + (*ring.producer & ring.mask) +
						     BPF_RINGBUF_HDR_SZ);
	test_run(program);
	await_answered(number);
	check(answers, number);
	return (__u32)(shared->answered_ns - question->time_ns);
}

#endif /* MEDULLA_LATENCY_RING_H */
