/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * The classifier's work on a packet in a user process: the same parser, measures, inputs and inference as in
 * the kernel, with a table of flows of its own. `shape.h`, `network.h` (image, question, answer) and
 * `decide_table.h` come before.
 *
 *     decide READINGS REPEATS COLD_RUNS BYTES FRAME
 *
 * For each case a line: its name, nanoseconds a packet of each reading (warm, REPEATS packets each), a bar,
 * and nanoseconds of each cold run: one packet after BYTES of memory were read over.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "flow_inputs.h"
#include "shape.h"
#include "network.h"
#include "decide_table.h"

#define FRAME_BYTES 64
#define MANY_FLOWS 4096
#define EVERY_FLOW 0xffffffu
#define FLOW_IDLE_LIMIT_US 60000000ULL /* as in the kernel */
#define PRIORITY 10		       /* real-time, where it is allowed */

static struct medulla_scratch scratch;
static uint64_t decided[MEDULLA_OUTPUTS];

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static uint64_t infer(const __s64 *inputs)
{
	uint64_t best = 0;

	for (int i = 0; i < MEDULLA_INPUTS; i++)
		scratch.words[MEDULLA_FEATURES_OFFSET + i] = inputs[i];
	medulla_infer(&network, &scratch);
	for (int i = 1; i < MEDULLA_OUTPUTS; i++)
		if (scratch.words[MEDULLA_OUTPUTS_OFFSET + i] > scratch.words[MEDULLA_OUTPUTS_OFFSET + best])
			best = (uint64_t)i;
	return best;
}

#define WRITE_INPUT(place, scale, name)                                                                     \
	inputs[place] = flow_input_##scale(flow_feature(state, FLOW_##name), MEDULLA_FEATURE_FRACTION_BITS);

static uint64_t decide(const struct flow_state *state)
{
	__s64 inputs[MEDULLA_INPUTS];

	MEDULLA_FLOW_INPUTS(WRITE_INPUT)
	return infer(inputs);
}

/* One packet: 1 when its flow is decided. Not inline, as the kernel's is a call. */
static __attribute__((noinline)) int take(struct table *table, const uint8_t *frame, uint32_t length,
					  uint64_t moment)
{
	struct medulla_packet packet;
	struct flow_packet seen = { .length = length, .segments = 1 };
	struct entry *entry;

	if (medulla_parse(frame, frame + length, &packet))
		return 0;
	medulla_turn(&packet);
	seen.clock_ns = now_ns();
	seen.time_us = seen.clock_ns / 1000;
	entry = table_flow(table, &packet.key);
	if (entry->packets && flow_is_over(&entry->state, &packet, seen.time_us, FLOW_IDLE_LIMIT_US))
		memset(&entry->state, 0, sizeof(entry->state));
	flow_take(&entry->state, &packet, &seen);
	if (packet.payload)
		flow_note_head(&entry->state, frame + packet.header, packet.payload);
	if (flow_is_time(&entry->state, moment, !!entry->row)) {
		entry->row = decide(&entry->state) + 1;
		decided[entry->row - 1]++;
	}
	entry->packets++;
	return !!entry->row;
}

/* Where a packet is only looked at by nobody. */
static __attribute__((noinline)) int pass(const uint8_t *frame, uint32_t length)
{
	__asm__ volatile("" : : "r"(frame), "r"(length) : "memory");
	return 0;
}

struct course {
	const char *name;
	uint32_t mask;	  /* how many flows take turns, less one */
	uint32_t filling; /* packets before the first that counts */
	uint64_t moment;
	int is_empty;
};

static const struct course courses[] = {
	{ "none", 0, 1, 1, 1 },
	{ "turns", EVERY_FLOW, 1, 1, 1 },
	{ "hit", 0, 1, 1, 0 },
	{ "many", MANY_FLOWS - 1, 2 * MANY_FLOWS, 1, 0 },
	{ "new", EVERY_FLOW, 1, 10, 0 },
	{ "full", EVERY_FLOW, 2 * TABLE_FLOWS, 10, 0 },
	{ "every", 0, 1, FLOW_EVERY_PACKET, 0 },
};

static uint64_t packets_ns(const struct course *course, struct table *table, uint8_t *frame, long count)
{
	static uint32_t next;
	uint64_t begin = now_ns();

	for (long i = 0; i < count; i++) {
		uint32_t number = next++ & course->mask;

		if (course->mask) {
			frame[27] = (uint8_t)(number >> 16);
			frame[28] = (uint8_t)(number >> 8);
			frame[29] = (uint8_t)number;
		}
		if (course->is_empty)
			pass(frame, FRAME_BYTES);
		else
			take(table, frame, FRAME_BYTES, course->moment);
		__asm__ volatile("" : : : "memory");
	}
	return now_ns() - begin;
}

/* Stays on this processor, and gives it to nobody who can wait. */
static void settle(void)
{
	struct sched_param priority = { .sched_priority = PRIORITY };
	cpu_set_t processors;

	CPU_ZERO(&processors);
	CPU_SET(sched_getcpu(), &processors);
	sched_setaffinity(0, sizeof(processors), &processors);
	sched_setscheduler(0, SCHED_FIFO, &priority);
}

static void read_over(const uint8_t *memory, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += 64)
		(void)*(const volatile uint8_t *)(memory + at);
}

/* A table that has room keeps it: new flows are taken out after each reading. */
static void measure(const struct course *course, uint8_t *frame, const long *counts, const uint8_t *memory)
{
	int is_new = course->mask == EVERY_FLOW && course->filling == 1;
	long repeats = is_new && counts[1] > TABLE_FLOWS / 2 ? TABLE_FLOWS / 2 : counts[1];
	struct table *table = table_make();

	packets_ns(course, table, frame, course->filling);
	printf("%s", course->name);
	for (long i = 0; i < counts[0]; i++) {
		packets_ns(course, table, frame, is_new ? 64 : repeats / 10 + 1);
		printf(" %.2f", (double)packets_ns(course, table, frame, repeats) / (double)repeats);
		if (is_new)
			table_clear(table);
	}
	printf(" |");
	for (long i = 0; i < counts[2]; i++) {
		read_over(memory, (size_t)counts[3]);
		printf(" %llu", (unsigned long long)packets_ns(course, table, frame, 1));
	}
	printf("\n");
	free(table);
}

static void fill_frame(uint8_t *frame, const char *text)
{
	for (int i = 0; i < FRAME_BYTES; i++) {
		unsigned int byte = 0;

		sscanf(text + 2 * i, "%2x", &byte);
		frame[i] = (uint8_t)byte;
	}
}

int main(int count, char **arguments)
{
	uint8_t frame[FRAME_BYTES], *memory;
	long counts[4];

	if (count != 6 || strlen(arguments[5]) != 2 * FRAME_BYTES) {
		fprintf(stderr, "decide: needs READINGS REPEATS COLD_RUNS BYTES FRAME\n");
		return 2;
	}
	for (int i = 0; i < 4; i++)
		counts[i] = strtol(arguments[1 + i], 0, 10);
	fill_frame(frame, arguments[5]);
	settle();
	infer(question);
	if (memcmp(&scratch.words[MEDULLA_OUTPUTS_OFFSET], answer, sizeof(answer))) {
		fprintf(stderr, "decide: the network's answer is not the interpreter's\n");
		return 1;
	}
	memory = mmap(0, (size_t)counts[3], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("decide: take memory");
		return 1;
	}
	madvise(memory, (size_t)counts[3], MADV_HUGEPAGE);
	memset(memory, 1, (size_t)counts[3]);
	for (size_t i = 0; i < sizeof(courses) / sizeof(courses[0]); i++)
		measure(&courses[i], frame, counts, memory);
	return 0;
}
