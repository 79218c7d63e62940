// SPDX-License-Identifier: Apache-2.0
// What a function has of its host, in private memory.
#ifndef MEDULLA_NF_CLIENT_H
#define MEDULLA_NF_CLIENT_H

#include "medulla_nf.h"

#include <linux/if_xdp.h>
#include <stddef.h>

#define NF_BATCH 64

// One of AF_XDP's receive rings: the kernel produces, this process consumes.
struct receive_ring {
	int socket;
	uint32_t mask;
	uint32_t next;
	const uint32_t *producer;
	uint32_t *consumer;
	const struct xdp_desc *entries;
	void *mapped;
	size_t mapped_bytes;
};

struct medulla_nf {
	int channel;
	uint8_t *memory;
	struct nf_area *area;
	struct nf_consumer in;
	struct nf_producer out;
	struct receive_ring receive[NF_WELCOME_QUEUES];
	uint32_t queues;
	uint32_t waiting;
	int is_broken; // what the host gave is nonsense, for good
	uint32_t counters;
	uint64_t beats;
	uint64_t received;
	uint64_t returned;
	nf_descriptor returns[NF_BATCH];
	struct nf_welcome welcome;
	char *parameters;
};

#endif
