/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What collecting costs an ACK, in instructions: the kernel's own C, with memory in place of the ring. Run
 * under an instruction counter as `collect WHAT COUNT`, WHAT being `ack` or `sample`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "congestion_control.h"
#include "congestion_record.h"

#define COLLECT_RECORDS 1024

static struct {
	struct {
		__u64 words[5];
	} header;
	struct congestion_words words;
} records[COLLECT_RECORDS];

static struct congestion_pending pending;
static struct mcc_config config;
static struct mcc_flow flow;

/* A flow at 1,000 packets a round trip of 20 ms, an ACK for every second packet. */
static void take_ack(unsigned long number)
{
	struct mcc_ack ack = {
		.now_us = 1000000 + number * 40, .rtt_us = 20000, .srtt_us = 20000,
		.delivered = 1000, .send_us = 20000, .receive_us = 20000, .acked = 2, .packet_bytes = 1448,
	};

	if (mcc_on_ack(&flow, &config, &ack))
		mcc_act(&flow, &config, 0, MCC_NO_VERDICT);
	__asm__ volatile("" ::: "memory");
}

static void take_sample(unsigned long number)
{
	__u64 *header = records[number % COLLECT_RECORDS].header.words;
	__s64 outputs[CONGESTION_OUTPUTS] = {(__s64)number}, shadow[CONGESTION_OUTPUTS] = {0};

	congestion_keep(&pending, &flow, 1, 0, 1, outputs, shadow);
	__asm__ volatile("" ::: "memory");
	header[0] = number;
	header[1] = 1;
	header[2] = pending.version;
	header[3] = (__u64)pending.flags << 32 | pending.slot;
	header[4] = 0;
	congestion_write(&records[number % COLLECT_RECORDS].words, &pending, &flow.last);
	pending.flags = 0;
	__asm__ volatile("" ::: "memory");
}

int main(int count, char **arguments)
{
	unsigned long repeats = count == 3 ? strtoul(arguments[2], 0, 10) : 0;
	int samples = count == 3 && !strcmp(arguments[1], "sample");

	mcc_default_config(&config);
	mcc_init(&flow, &config, 1000000, 20000, 20000, 10, 1448);
	for (unsigned long i = 0; i < repeats; i++) {
		if (samples)
			take_sample(i);
		else
			take_ack(i);
	}
	printf("%lld %u\n", records[0].words.outputs[0], flow.intervals);
	return 0;
}
