/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flows of tc and XDP functions: what a packet says of its flow, and a bounded table that keeps each flow on
 * its snapshot. A flow leaves it with its last TCP segment or when it has been idle; a full table serves a
 * flow unpinned and counts it. No LRU map: silent eviction would lose the slot's count of flows.
 */
#ifndef MEDULLA_PACKET_BPF_H
#define MEDULLA_PACKET_BPF_H

#include "medulla.bpf.h"

#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#ifndef MEDULLA_FLOW_LIMIT
#define MEDULLA_FLOW_LIMIT 16384 /* flows that are kept at once */
#endif
#ifndef MEDULLA_FLOW_IDLE_NS
#define MEDULLA_FLOW_IDLE_NS 60000000000ULL /* without a packet for so long a flow is over */
#endif
#define MEDULLA_SWEEP_NS (MEDULLA_FLOW_IDLE_NS / 4)
#define MEDULLA_CLOCK_MONOTONIC 1
#define MEDULLA_TIMER_EXISTS 16 /* EBUSY */

/* One direction of a flow; IPv4 addresses are in the first four bytes. */
struct medulla_flow_key {
	__u8 source[16];
	__u8 destination[16];
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 version;
	__u16 reserved;
};

struct medulla_packet {
	struct medulla_flow_key key;
	__u32 payload; /* bytes after the transport header */
	__u8 begins;   /* it may begin a flow that is kept: no bare TCP segment */
	__u8 ends;     /* TCP's FIN, which ends its direction, or RST */
	__u8 resets;   /* TCP's RST, which ends both */
	__u8 reserved;
};

struct medulla_sweeper {
	struct bpf_timer timer;
	__u32 started;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MEDULLA_FLOW_LIMIT);
	__type(key, struct medulla_flow_key);
	__type(value, struct medulla_flow);
} medulla_table SEC(".maps");

/* For a flow that is not kept. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_flow);
} medulla_spare SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_sweeper);
} medulla_sweepers SEC(".maps");

static __always_inline int medulla_parse_transport(void *at, void *end, __u32 bytes,
						   struct medulla_packet *packet)
{
	struct tcphdr *tcp = at;
	struct udphdr *udp = at;
	__u32 header = 0;

	packet->begins = 1;
	if (packet->key.protocol == IPPROTO_TCP) {
		if ((void *)(tcp + 1) > end)
			return -1;
		header = tcp->doff * 4;
		packet->key.source_port = tcp->source;
		packet->key.destination_port = tcp->dest;
		packet->ends = tcp->fin || tcp->rst;
		packet->resets = tcp->rst;
		packet->begins = !packet->ends && (tcp->syn || bytes > header);
	} else if (packet->key.protocol == IPPROTO_UDP) {
		if ((void *)(udp + 1) > end)
			return -1;
		header = sizeof(*udp);
		packet->key.source_port = udp->source;
		packet->key.destination_port = udp->dest;
	}
	packet->payload = bytes > header ? bytes - header : 0;
	return 0;
}

/*
 * Reads the flow of an Ethernet frame with IPv4, or with IPv6 without extension headers. -1 for anything
 * else. data, end: `(void *)(long)ctx->data` and `data_end`.
 */
static __always_inline int medulla_parse(void *data, void *end, struct medulla_packet *packet)
{
	struct ethhdr *ethernet = data;
	struct iphdr *four = (void *)(ethernet + 1);
	struct ipv6hdr *six = (void *)(ethernet + 1);
	__u32 header, total;

	__builtin_memset(packet, 0, sizeof(*packet));
	if ((void *)(ethernet + 1) > end)
		return -1;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		if ((void *)(four + 1) > end || four->ihl < 5)
			return -1;
		/* A fragment that is not the first has no ports. */
		if (four->frag_off & bpf_htons(0x1fff))
			return -1;
		packet->key.version = 4;
		packet->key.protocol = four->protocol;
		__builtin_memcpy(packet->key.source, &four->saddr, 4);
		__builtin_memcpy(packet->key.destination, &four->daddr, 4);
		header = four->ihl * 4;
		total = bpf_ntohs(four->tot_len);
		total = total > header ? total - header : 0;
		return medulla_parse_transport((void *)four + header, end, total, packet);
	}
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		if ((void *)(six + 1) > end)
			return -1;
		packet->key.version = 6;
		packet->key.protocol = six->nexthdr;
		__builtin_memcpy(packet->key.source, &six->saddr, 16);
		__builtin_memcpy(packet->key.destination, &six->daddr, 16);
		return medulla_parse_transport(six + 1, end, bpf_ntohs(six->payload_len), packet);
	}
	return -1;
}

/* Whoever takes the slot out of a flow also takes it off the slot's count. */
static __always_inline void medulla_drop_pin(struct medulla_flow *flow)
{
	__u32 slot = __sync_lock_test_and_set(&flow->slot, MEDULLA_NO_SLOT);

	if (slot < MEDULLA_SLOTS)
		medulla_release_slot(slot);
}

static int medulla_visit_flow(void *table, struct medulla_flow_key *key, struct medulla_flow *flow,
			      void *context)
{
	const struct medulla_control *control = medulla_get_control();
	__u64 now = bpf_ktime_get_ns();

	if (now > flow->last_ns && now - flow->last_ns > MEDULLA_FLOW_IDLE_NS) {
		medulla_drop_pin(flow);
		bpf_map_delete_elem(&medulla_table, key);
	} else if (control) {
		medulla_follow(control, &flow->slot, now);
	}
	return 0;
}

/* The next flow that begins starts it again. */
static __always_inline void medulla_stop_sweeping(struct medulla_sweeper *sweeper)
{
	*(volatile __u32 *)&sweeper->started = 0;
}

/* Needs no process: idle flows go, and flows of slots that are to be emptied move, also when nobody looks. */
static int medulla_sweep_flows(void *map, __u32 *key, struct medulla_sweeper *sweeper)
{
	bpf_for_each_map_elem(&medulla_table, medulla_visit_flow, 0, 0);
	if (bpf_timer_start(&sweeper->timer, MEDULLA_SWEEP_NS, 0))
		medulla_stop_sweeping(sweeper);
	return 0;
}

static __always_inline void medulla_start_sweeping(void)
{
	__u32 zero = 0;
	struct medulla_sweeper *sweeper = bpf_map_lookup_elem(&medulla_sweepers, &zero);
	long status;

	if (!sweeper || sweeper->started || __sync_lock_test_and_set(&sweeper->started, 1))
		return;
	status = bpf_timer_init(&sweeper->timer, &medulla_sweepers, MEDULLA_CLOCK_MONOTONIC);
	/* An attempt before this one may have come so far. */
	if (!status || status == -MEDULLA_TIMER_EXISTS)
		status = bpf_timer_set_callback(&sweeper->timer, medulla_sweep_flows);
	if (!status)
		status = bpf_timer_start(&sweeper->timer, MEDULLA_SWEEP_NS, 0);
	if (status)
		medulla_stop_sweeping(sweeper);
}

static __always_inline struct medulla_flow *medulla_spare_flow(__u64 now)
{
	const struct medulla_control *control = medulla_get_control();
	__u32 zero = 0;
	struct medulla_flow *flow = bpf_map_lookup_elem(&medulla_spare, &zero);
	__u64 decisions;

	if (!flow || !control)
		return 0;
	/* All that stays: without it each would be a first decision, always shadowed and never sampled. */
	decisions = flow->decisions;
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->decisions = decisions;
	flow->last_ns = now;
	flow->slot = medulla_active_slot(control);
	return flow;
}

/* Adds a flow to the table; 0 when there is no room, which is counted. */
static __noinline struct medulla_flow *medulla_add_flow(const struct medulla_flow_key *key, __u64 now)
{
	struct medulla_flow fresh = {};
	struct medulla_counts *counts;
	struct medulla_flow *flow;
	long status;

	fresh.slot = medulla_take_slot();
	if (fresh.slot >= MEDULLA_SLOTS)
		return 0;
	fresh.number = medulla_new_flow();
	fresh.last_ns = now;
	status = bpf_map_update_elem(&medulla_table, key, &fresh, BPF_NOEXIST);
	/* A full table needs it most. */
	medulla_start_sweeping();
	if (!status)
		return bpf_map_lookup_elem(&medulla_table, key);
	medulla_release_slot(fresh.slot);
	/* Another processor may have added it. */
	flow = bpf_map_lookup_elem(&medulla_table, key);
	counts = medulla_get_counts(fresh.slot);
	if (!flow && counts)
		counts->unpinned++;
	return flow;
}

/*
 * The packet's flow, kept on the snapshot that was active when it began. A flow that is not kept (the table
 * is full, or the packet is a bare segment of no flow) is served by the active snapshot and remembers
 * nothing. 0 only when nothing is loaded.
 */
static __always_inline struct medulla_flow *medulla_take_flow(const struct medulla_packet *packet)
{
	struct medulla_flow *flow = bpf_map_lookup_elem(&medulla_table, &packet->key);
	__u64 now = bpf_ktime_get_ns();

	if (!flow && packet->begins)
		flow = medulla_add_flow(&packet->key, now);
	if (!flow)
		return medulla_spare_flow(now);
	return flow;
}

/* The slot that the flow is on. */
static __always_inline __u32 medulla_flow_slot(const struct medulla_flow *flow) { return flow->slot; }

/* A reset ends the other direction too, which will send nothing of its own any more. */
static __noinline int medulla_end_reverse(const struct medulla_packet *packet)
{
	struct medulla_flow_key reverse = packet->key;
	struct medulla_flow *flow;

	__builtin_memcpy(reverse.source, packet->key.destination, sizeof(reverse.source));
	__builtin_memcpy(reverse.destination, packet->key.source, sizeof(reverse.destination));
	reverse.source_port = packet->key.destination_port;
	reverse.destination_port = packet->key.source_port;
	flow = bpf_map_lookup_elem(&medulla_table, &reverse);
	if (!flow)
		return 0;
	medulla_drop_pin(flow);
	return !bpf_map_delete_elem(&medulla_table, &reverse);
}

/* After the function's own work on the packet: notes its time, and lets a flow go that the packet ends. */
static __always_inline void medulla_leave_flow(const struct medulla_packet *packet, struct medulla_flow *flow)
{
	flow->last_ns = bpf_ktime_get_ns();
	if (packet->resets)
		medulla_end_reverse(packet);
	if (!packet->ends || !flow->number)
		return;
	medulla_drop_pin(flow);
	bpf_map_delete_elem(&medulla_table, &packet->key);
}

#endif /* MEDULLA_PACKET_BPF_H */
