// SPDX-License-Identifier: Apache-2.0
// The library's one symbol.
#include "engine.h"

#include <errno.h>
#include <rte_lcore.h>
#include <rte_version.h>
#include <stdlib.h>

static int make(const struct nf_dpdk_memory *memory, struct nf_dpdk **made)
{
	struct nf_dpdk *engine = calloc(1, sizeof(*engine));
	int status;

	if (!engine)
		return -ENOMEM;
	engine->memory = *memory;
	engine->shift = (uint32_t)__builtin_ctz(memory->frame_bytes);
	status = dpdk_make_pool(engine);
	if (status)
		free(engine);
	else
		*made = engine;
	return status;
}

static void unmake(struct nf_dpdk *engine)
{
	for (uint32_t i = 0; i < NF_DPDK_DEVICES; i++)
		dpdk_remove(engine, i);
	dpdk_free_pool(engine);
	free(engine);
}

static uint32_t data_offset(const struct nf_dpdk *engine)
{
	return engine->offset;
}

static uint32_t available(const struct nf_dpdk *engine)
{
	return rte_mempool_avail_count(engine->pool);
}

// A thread that DPDK knows has a cache of free frames of its own.
static int enter(void)
{
	return rte_thread_register() ? dpdk_error() : 0;
}

__attribute__((visibility("default"))) const struct nf_dpdk_table *medulla_dpdk(uint32_t version)
{
	static const struct nf_dpdk_table table = {
		.version = NF_DPDK_VERSION,
		.bytes = sizeof(table),
		.release = rte_version,
		.take_log = dpdk_take_log,
		.start = dpdk_start,
		.make = make,
		.unmake = unmake,
		.data_offset = data_offset,
		.add = dpdk_add,
		.remove = dpdk_remove,
		.counts = dpdk_counts,
		.enter = enter,
		.leave = rte_thread_unregister,
		.receive = dpdk_receive,
		.send = dpdk_send,
		.free = dpdk_free,
		.available = available,
	};

	return version == NF_DPDK_VERSION ? &table : NULL;
}
