// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 1024

static int configure(struct nf_dpdk *engine, uint16_t port)
{
	struct rte_eth_conf options = { 0 };
	struct rte_eth_dev_info facts;
	uint16_t receive = ENTRIES, transmit = ENTRIES;
	int status = rte_eth_dev_info_get(port, &facts);

	if (!status)
		status = rte_eth_dev_configure(port, 1, 1, &options);
	if (!status)
		status = rte_eth_dev_adjust_nb_rx_tx_desc(port, &receive, &transmit);
	if (!status)
		status = rte_eth_rx_queue_setup(port, 0, receive, SOCKET_ID_ANY, NULL, engine->pool);
	if (!status)
		status = rte_eth_tx_queue_setup(port, 0, transmit, SOCKET_ID_ANY, NULL);
	return status ? status : rte_eth_dev_start(port);
}

// A device that moves bytes by itself must know where they lie; one that is a program needs no map.
static int map(struct nf_dpdk *engine, struct rte_device *device)
{
	const int status = rte_dev_dma_map(device, engine->memory.base, (uint64_t)engine->memory.base,
					   engine->memory.bytes);

	return status && rte_errno != ENOTSUP ? dpdk_error() : 0;
}

static struct dpdk_device *unused(struct nf_dpdk *engine)
{
	for (uint32_t i = 0; i < NF_DPDK_DEVICES; i++) {
		if (!engine->devices[i].is_used)
			return &engine->devices[i];
	}
	return NULL;
}

static void drop(uint16_t port, int is_started)
{
	struct rte_eth_dev_info facts;
	const int known = !rte_eth_dev_info_get(port, &facts);

	if (is_started)
		rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	if (known && facts.device)
		rte_dev_remove(facts.device);
}

int dpdk_add(struct nf_dpdk *engine, const char *text)
{
	struct dpdk_device *device = unused(engine);
	struct rte_eth_dev_info facts;
	char *name = strndup(text, strcspn(text, ","));
	uint16_t port;
	int status;

	if (!device || !name) {
		free(name);
		return device ? -ENOMEM : -ENOSPC;
	}
	status = rte_eth_dev_get_port_by_name(name, &port) ? rte_dev_probe(text) : -EEXIST;
	if (!status)
		status = rte_eth_dev_get_port_by_name(name, &port);
	free(name);
	if (status)
		return status;
	status = rte_eth_dev_info_get(port, &facts);
	if (!status)
		status = map(engine, facts.device);
	if (!status)
		status = configure(engine, port);
	if (status) {
		drop(port, 0);
		return status;
	}
	*device = (struct dpdk_device){ .port = port, .is_used = 1 };
	return (int)(device - engine->devices);
}

int dpdk_remove(struct nf_dpdk *engine, uint32_t number)
{
	struct dpdk_device *device = &engine->devices[number % NF_DPDK_DEVICES];
	struct rte_eth_dev_info facts;

	if (!device->is_used)
		return -ENODEV;
	device->is_used = 0;
	if (!rte_eth_dev_info_get(device->port, &facts))
		rte_dev_dma_unmap(facts.device, engine->memory.base, (uint64_t)engine->memory.base,
				  engine->memory.bytes);
	drop(device->port, 1);
	return 0;
}

int dpdk_counts(struct nf_dpdk *engine, uint32_t number, struct nf_dpdk_counts *counts)
{
	const struct dpdk_device *device = &engine->devices[number % NF_DPDK_DEVICES];
	struct rte_eth_link link = { 0 };
	struct rte_eth_stats stats;
	int status;

	if (!device->is_used)
		return -ENODEV;
	status = rte_eth_stats_get(device->port, &stats);
	if (status)
		return status;
	rte_eth_link_get_nowait(device->port, &link);
	*counts = (struct nf_dpdk_counts){
		.sent = device->sent,
		.lost = stats.imissed + stats.rx_nombuf,
		.long_ = device->long_,
		.moved = device->moved,
		.is_up = link.link_status == RTE_ETH_LINK_UP,
	};
	return 0;
}
