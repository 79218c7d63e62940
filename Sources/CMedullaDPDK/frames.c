// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include <string.h>

// Where a received frame lies; 0: it cannot be a chain's, and goes back.
static int place_frame(struct nf_dpdk *engine, struct dpdk_device *device, struct rte_mbuf *mbuf,
		       nf_descriptor *frame)
{
	const uint64_t start = (uint64_t)((uint8_t *)mbuf->buf_addr - engine->memory.base);
	const uint32_t length = mbuf->data_len;

	// What is in several pieces, or somebody else's too, is in no frame of packet memory of its own.
	if (mbuf->nb_segs != 1 || mbuf->pool != engine->pool || rte_mbuf_refcnt_read(mbuf) != 1) {
		device->long_++;
		return 0;
	}
	if (mbuf->data_off < RTE_PKTMBUF_HEADROOM) {
		// A stamp would lie in it: a function has begun it earlier, and it has come round.
		if (length + RTE_PKTMBUF_HEADROOM > mbuf->buf_len) {
			device->long_++;
			return 0;
		}
		memmove((uint8_t *)mbuf->buf_addr + RTE_PKTMBUF_HEADROOM, rte_pktmbuf_mtod(mbuf, void *),
			length);
		mbuf->data_off = RTE_PKTMBUF_HEADROOM;
		device->moved++;
	}
	*frame = nf_describe(start + mbuf->data_off, length, 0);
	return 1;
}

uint32_t dpdk_receive(struct nf_dpdk *engine, uint32_t number, nf_descriptor *frames)
{
	struct dpdk_device *device = &engine->devices[number % NF_DPDK_DEVICES];
	struct rte_mbuf *mbufs[NF_DPDK_BATCH];
	const uint16_t count = rte_eth_rx_burst(device->port, 0, mbufs, NF_DPDK_BATCH);
	uint32_t placed = 0;

	for (uint16_t i = 0; i < count; i++) {
		if (i + 1 < count)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + 1], void *));
		if (place_frame(engine, device, mbufs[i], &frames[placed]))
			placed++;
		else
			rte_pktmbuf_free(mbufs[i]);
	}
	return placed;
}

// An mbuf of what a function gave; NULL: it lies outside of the mbuf's buffer.
static struct rte_mbuf *describe(struct nf_dpdk *engine, nf_descriptor frame)
{
	const uint64_t place = nf_place(frame), number = place >> engine->shift;
	const uint32_t length = nf_length(frame);
	const uint64_t offset = place - (number << engine->shift);
	struct rte_mbuf *mbuf;

	if (number >= engine->memory.frames || offset < engine->first ||
	    offset + length > engine->memory.frame_bytes)
		return NULL;
	mbuf = engine->mbufs[number];
	mbuf->data_off = (uint16_t)(offset - engine->first);
	mbuf->data_len = (uint16_t)length;
	mbuf->pkt_len = length;
	mbuf->next = NULL;
	mbuf->nb_segs = 1;
	// What the driver said of it when it was received does not hold for what is sent.
	mbuf->ol_flags &= RTE_MBUF_F_EXTERNAL;
	mbuf->tx_offload = 0;
	return mbuf;
}

uint64_t dpdk_send(struct nf_dpdk *engine, uint32_t number, const nf_descriptor *frames, uint32_t count)
{
	struct dpdk_device *device = &engine->devices[number % NF_DPDK_DEVICES];
	struct rte_mbuf *mbufs[NF_DPDK_BATCH];
	uint8_t places[NF_DPDK_BATCH];
	uint64_t taken = 0;
	uint16_t ready = 0, sent;

	for (uint32_t i = 0; i < count && i < NF_DPDK_BATCH; i++) {
		struct rte_mbuf *mbuf = describe(engine, frames[i]);

		if (!mbuf)
			continue;
		places[ready] = (uint8_t)i;
		mbufs[ready++] = mbuf;
	}
	sent = rte_eth_tx_burst(device->port, 0, mbufs, ready);
	device->sent += sent;
	for (uint16_t i = 0; i < sent; i++)
		taken |= 1ULL << places[i];
	return taken;
}

void dpdk_free(struct nf_dpdk *engine, const uint32_t *frames, uint32_t count)
{
	struct rte_mbuf *mbufs[NF_DPDK_BATCH];

	while (count) {
		const uint32_t some = count < NF_DPDK_BATCH ? count : NF_DPDK_BATCH;

		for (uint32_t i = 0; i < some; i++) {
			mbufs[i] = engine->mbufs[frames[i]];
			mbufs[i]->next = NULL;
			mbufs[i]->nb_segs = 1;
		}
		rte_mempool_put_bulk(engine->pool, (void **)mbufs, some);
		frames += some;
		count -= some;
	}
}
