/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK as a chain's host sees it: what libmedulla_dpdk.so gives, which is opened at run time. A host that has
 * no such chain needs neither it nor DPDK.
 *
 * Frames lie in the host's packet memory: by their place either side knows which is meant. The library keeps
 * the mbufs, in memory of its own where it can (`in_place`: else they lie before the frames).
 *
 * Every function returns 0 or a count, or a negative errno; what DPDK said meanwhile is in its log.
 */
#ifndef MEDULLA_NF_DPDK_H
#define MEDULLA_NF_DPDK_H

#include "nf_ring.h"

#include <stdint.h>

#define NF_DPDK_VERSION 1
#define NF_DPDK_BATCH 64
#define NF_DPDK_DEVICES 16 /* of a chain */

struct nf_dpdk; /* packet memory and the devices over it */

/* Packet memory, which is mapped already and outlives what is made over it. */
struct nf_dpdk_memory {
	uint8_t *base;
	uint64_t bytes;
	uint32_t frames;
	uint32_t frame_bytes; /* a power of two */
	uint32_t page_bytes;
	uint32_t in_place; /* mbufs lie in the frames, which some drivers ask for */
	uint32_t alignment; /* bytes more before each frame, where mbufs lie elsewhere */
};

struct nf_dpdk_counts {
	uint64_t sent;
	uint64_t lost;	/* by the driver: none was free to receive into, or it was not asked in time */
	uint64_t long_; /* received, and longer than a frame of packet memory */
	uint64_t moved; /* received at another place in their frames, and copied to the common one */
	uint32_t is_up; /* its link */
	uint32_t reserved;
};

struct nf_dpdk_table {
	uint32_t version;
	uint32_t bytes; /* of this table */

	const char *(*release)(void); /* DPDK's */
	/* What DPDK has said since the last call, with a zero byte; its length. */
	uint32_t (*take_log)(char *text, uint32_t bytes);

	/*
	 * Starts DPDK's environment, once in a process; its calling thread keeps the processors that it may
	 * use. -EALREADY: it runs.
	 */
	int (*start)(int count, char **arguments);

	int (*make)(const struct nf_dpdk_memory *memory, struct nf_dpdk **engine);
	/* Stops and removes all devices, and gives the memory up. */
	void (*unmake)(struct nf_dpdk *engine);
	uint32_t (*data_offset)(const struct nf_dpdk *engine); /* of a frame's first byte in its frame */

	/* Makes a device by its text, such as `net_pcap0,rx_pcap=in.pcap`, and starts it; its number. */
	int (*add)(struct nf_dpdk *engine, const char *device);
	int (*remove)(struct nf_dpdk *engine, uint32_t device);
	int (*counts)(struct nf_dpdk *engine, uint32_t device, struct nf_dpdk_counts *counts);

	/* The thread that calls what follows says so before and after, which makes it faster. */
	int (*enter)(void);
	void (*leave)(void);

	/* Takes up to NF_DPDK_BATCH frames, which are the host's until it releases or sends them. */
	uint32_t (*receive)(struct nf_dpdk *engine, uint32_t device, nf_descriptor *frames);
	/*
	 * Sends up to NF_DPDK_BATCH frames: bit n of the answer says that the n-th is the library's again.
	 * The others are the host's as before.
	 */
	uint64_t (*send)(struct nf_dpdk *engine, uint32_t device, const nf_descriptor *frames,
			 uint32_t count);
	void (*free)(struct nf_dpdk *engine, const uint32_t *frames, uint32_t count); /* by number */
	uint32_t (*available)(const struct nf_dpdk *engine); /* frames that no driver has */
};

/* NULL: of another version. */
const struct nf_dpdk_table *medulla_dpdk(uint32_t version);

typedef const struct nf_dpdk_table *(*nf_dpdk_open)(uint32_t version);

#endif /* MEDULLA_NF_DPDK_H */
