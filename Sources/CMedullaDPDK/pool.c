// SPDX-License-Identifier: Apache-2.0
// mbufs over packet memory, so that drivers receive where functions read.
#include "engine.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CACHE 256

static void note(struct rte_mempool *pool, void *context, void *object, unsigned int index)
{
	struct nf_dpdk *engine = context;
	struct rte_mbuf *mbuf = object;
	const uint64_t place = (uint64_t)((uint8_t *)mbuf->buf_addr - engine->memory.base);

	(void)pool;
	(void)index;
	if (place >> engine->shift < engine->memory.frames)
		engine->mbufs[place >> engine->shift] = mbuf;
}

// The mbufs lie in DPDK's own memory, and functions reach none of them.
static struct rte_mempool *make_apart(struct nf_dpdk *engine, const char *name)
{
	const struct nf_dpdk_memory *memory = &engine->memory;
	struct rte_pktmbuf_extmem area;

	engine->first = memory->alignment;
	area = (struct rte_pktmbuf_extmem){
		.buf_ptr = memory->base + engine->first,
		.buf_iova = (rte_iova_t)(memory->base + engine->first),
		.buf_len = (size_t)memory->frames * memory->frame_bytes,
		.elt_size = (uint16_t)memory->frame_bytes,
	};
	return rte_pktmbuf_pool_create_extbuf(name, memory->frames, CACHE, 0,
					      (uint16_t)(memory->frame_bytes - engine->first), SOCKET_ID_ANY,
					      &area, 1);
}

// Each frame begins with its mbuf: drivers that reckon places from mbufs take no other pool.
static struct rte_mempool *make_in_place(struct nf_dpdk *engine, const char *name)
{
	const struct nf_dpdk_memory *memory = &engine->memory;
	const uint32_t header =
		rte_mempool_calc_obj_size(1, RTE_MEMPOOL_F_NO_SPREAD, NULL) - RTE_CACHE_LINE_SIZE;
	const uint32_t element = memory->frame_bytes - header;
	struct rte_pktmbuf_pool_private facts = {
		.mbuf_data_room_size = (uint16_t)(element - sizeof(struct rte_mbuf)),
	};
	struct rte_mempool *pool =
		rte_mempool_create_empty(name, memory->frames, element, CACHE, sizeof(facts), SOCKET_ID_ANY,
					 RTE_MEMPOOL_F_NO_SPREAD);
	int status;

	if (!pool)
		return NULL;
	engine->first = header + (uint32_t)sizeof(struct rte_mbuf);
	status = rte_mempool_set_ops_byname(pool, "ring_mp_mc", NULL);
	if (!status) {
		rte_pktmbuf_pool_init(pool, &facts);
		status = rte_mempool_populate_iova(pool, (char *)memory->base, (rte_iova_t)memory->base,
						   (size_t)memory->frames * memory->frame_bytes, NULL, NULL);
	}
	if (status == (int)memory->frames) {
		rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
		return pool;
	}
	rte_mempool_free(pool);
	rte_errno = status < 0 ? -status : ENOMEM;
	return NULL;
}

static int has_all(const struct nf_dpdk *engine)
{
	for (uint32_t frame = 0; frame < engine->memory.frames; frame++) {
		const uint64_t start = (uint64_t)frame << engine->shift;

		if (!engine->mbufs[frame] ||
		    engine->mbufs[frame]->buf_addr != engine->memory.base + start + engine->first)
			return 0;
	}
	return 1;
}

int dpdk_make_pool(struct nf_dpdk *engine)
{
	static unsigned int number;
	const struct nf_dpdk_memory *memory = &engine->memory;
	char name[RTE_MEMPOOL_NAMESIZE];

	// Addresses of this process are the devices' too: nothing here translates any.
	if (rte_eal_iova_mode() != RTE_IOVA_VA)
		return -ENOTSUP;
	if (rte_extmem_register(memory->base, memory->bytes, NULL, 0, memory->page_bytes))
		return dpdk_error();
	engine->mbufs = calloc(memory->frames, sizeof(*engine->mbufs));
	snprintf(name, sizeof(name), "medulla_%u", number++);
	engine->pool = memory->in_place ? make_in_place(engine, name) : make_apart(engine, name);
	if (!engine->pool || !engine->mbufs) {
		const int error = engine->mbufs ? dpdk_error() : -ENOMEM;

		dpdk_free_pool(engine);
		return error;
	}
	rte_mempool_obj_iter(engine->pool, note, engine);
	engine->offset = engine->first + RTE_PKTMBUF_HEADROOM;
	if (has_all(engine))
		return 0;
	dpdk_free_pool(engine);
	return -EPROTO;
}

void dpdk_free_pool(struct nf_dpdk *engine)
{
	rte_mempool_free(engine->pool);
	engine->pool = NULL;
	rte_extmem_unregister(engine->memory.base, engine->memory.bytes);
	free(engine->mbufs);
	engine->mbufs = NULL;
}
