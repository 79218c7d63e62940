// SPDX-License-Identifier: Apache-2.0
// A network function that means ill, for tests: what it was given, mapped as far as it goes.
#ifndef MEDULLA_NF_ROGUE_H
#define MEDULLA_NF_ROGUE_H

#include "nf_intf.h"
#include "nf_ring.h"
#include "nf_welcome.h"

#include <linux/if_xdp.h>
#include <stddef.h>
#include <stdint.h>

struct rogue {
	const char *path;
	const char *name;
	int channel;
	int count;
	int descriptors[NF_FIXED_DESCRIPTORS + NF_WELCOME_QUEUES];
	struct nf_welcome welcome;
	const uint8_t *memory;
	uint8_t *area;
	struct nf_consumer in;
	struct nf_producer out;
	// The first queue's; null: it has none.
	uint8_t *receive;
	size_t receive_bytes;
	struct xdp_mmap_offsets offsets;
	uint64_t state;
	uint64_t deadline;
};

uint64_t rogue_random(struct rogue *rogue);
int rogue_goes_on(struct rogue *rogue);
int rogue_connect(const char *path);
void rogue_say_hello(int channel, const char *name);
void rogue_begin(struct rogue *rogue);

/* What it can do with what it has, a line each: NAME=ok or NAME=ERROR. */
void rogue_try_rights(struct rogue *rogue);

#endif
