/* SPDX-License-Identifier: Apache-2.0 */
/* What the library's files share. One thread at a time uses an engine. */
#ifndef MEDULLA_DPDK_ENGINE_H
#define MEDULLA_DPDK_ENGINE_H

#include "nf_dpdk.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

struct dpdk_device {
	uint16_t port;
	int is_used;
	uint64_t sent;
	uint64_t long_;
	uint64_t moved;
};

struct nf_dpdk {
	struct nf_dpdk_memory memory;
	uint32_t shift; /* of a frame's number */
	uint32_t first; /* byte of a frame that an mbuf's buffer has */
	uint32_t offset; /* of a received frame's first byte */
	struct rte_mempool *pool;
	struct rte_mbuf **mbufs; /* by frame */
	struct dpdk_device devices[NF_DPDK_DEVICES];
};

uint32_t dpdk_take_log(char *text, uint32_t bytes);
int dpdk_start(int count, char **arguments);

/* 0 or a negative errno of a call that keeps it in `rte_errno`. */
int dpdk_error(void);

int dpdk_make_pool(struct nf_dpdk *engine);
void dpdk_free_pool(struct nf_dpdk *engine);

int dpdk_add(struct nf_dpdk *engine, const char *text);
int dpdk_remove(struct nf_dpdk *engine, uint32_t number);
int dpdk_counts(struct nf_dpdk *engine, uint32_t number, struct nf_dpdk_counts *counts);

uint32_t dpdk_receive(struct nf_dpdk *engine, uint32_t number, nf_descriptor *frames);
uint64_t dpdk_send(struct nf_dpdk *engine, uint32_t number, const nf_descriptor *frames, uint32_t count);
void dpdk_free(struct nf_dpdk *engine, const uint32_t *frames, uint32_t count);

#endif /* MEDULLA_DPDK_ENGINE_H */
