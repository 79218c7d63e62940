// SPDX-License-Identifier: GPL-2.0
/*
 * A filter before a packet socket: it lets the first packets of each flow through, in both directions, the
 * first that ends a connection of TCP, and now and then one that shows that a flow lives. What tells flows by
 * them need not be woken by all others.
 *
 * What is no IP goes nowhere. What it does not take apart (fragments, options, extension headers, a second
 * tag of a virtual network) goes through.
 */
#include "kernel_types.h"

#include "first_packets.h"

#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

char LICENSE[] SEC("license") = "GPL";

#define FIRST_PACKETS_WHOLE 0xffffffff
#define FIRST_PACKETS_NONE 0

#define FIRST_PACKETS_IDLE_NS (FIRST_PACKETS_IDLE_S * 1000000000ULL)
#define FIRST_PACKETS_SIGN_NS (FIRST_PACKETS_IDLE_NS / 4) /* so often a flow shows that it lives */
#define FIRST_PACKETS_AGAIN_NS 1000000000ULL /* a connection of the same ends is no new flow before */

#define FIRST_PACKETS_FIN 0x01
#define FIRST_PACKETS_SYN 0x02
#define FIRST_PACKETS_RST 0x04
#define FIRST_PACKETS_ACK 0x10

struct first_packets_key {
	__u32 addresses[8]; /* the lesser end's first */
	__u16 ports[2];
	__u32 protocol;
};

struct first_packets_flow {
	__u64 begun_ns;
	__u64 last_ns;
	__u64 told_ns; /* its last packet that went through */
	__u32 count;
	__u32 ended;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FIRST_PACKETS_FLOWS);
	__type(key, struct first_packets_key);
	__type(value, struct first_packets_flow);
} first_packets_flows SEC(".maps");

/* From the network header on: the fixed header of IPv6, or of IPv4 without options and what follows it. */
struct first_packets_head {
	__u32 words[10];
};

/* What follows IPv6's header. */
struct first_packets_next {
	__u8 bytes[14];
};

static __always_inline int first_packets_load(const struct __sk_buff *frame, __u32 at, void *to, __u32 bytes)
{
	return bpf_skb_load_bytes_relative(frame, at, to, bytes, BPF_HDR_START_NET);
}

/* Puts the lesser end first, so that both directions have one key. */
static __always_inline void first_packets_turn(struct first_packets_key *key)
{
	int order = 0;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		__u32 one = key->addresses[i], other = key->addresses[i + 4];

		order = order ? order : one < other ? -1 : one > other;
	}
	order = order ? order : key->ports[0] < key->ports[1] ? -1 : 1;
	if (order < 0)
		return;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		__u32 one = key->addresses[i];

		key->addresses[i] = key->addresses[i + 4];
		key->addresses[i + 4] = one;
	}
	order = key->ports[0];
	key->ports[0] = key->ports[1];
	key->ports[1] = (__u16)order;
}

static __always_inline int first_packets_has_ports(__u32 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* The key of a packet and its flags of TCP; -1: it is not taken apart. */
static __always_inline int first_packets_read_4(const struct __sk_buff *frame, struct first_packets_key *key,
						__u32 *flags)
{
	struct first_packets_head head = {};
	const __u8 *bytes = (const __u8 *)head.words;

	/* A packet of UDP may be shorter than one of TCP can be. */
	if (first_packets_load(frame, 0, &head, 40) && first_packets_load(frame, 0, &head, 28))
		return -1;
	if (bytes[0] != 0x45 || (head.words[1] & bpf_htonl(0x00003fff)))
		return -1;
	key->protocol = bytes[9];
	key->addresses[0] = head.words[3];
	key->addresses[4] = head.words[4];
	if (!first_packets_has_ports(key->protocol))
		return 0;
	key->ports[0] = (__u16)(bytes[20] | bytes[21] << 8);
	key->ports[1] = (__u16)(bytes[22] | bytes[23] << 8);
	*flags = key->protocol == IPPROTO_TCP ? bytes[33] : 0;
	return 0;
}

static __always_inline int first_packets_read_6(const struct __sk_buff *frame, struct first_packets_key *key,
						__u32 *flags)
{
	struct first_packets_head head;
	struct first_packets_next next = {};
	const __u8 *bytes = (const __u8 *)head.words;

	if (first_packets_load(frame, 0, &head, 40) || bytes[0] >> 4 != 6)
		return -1;
	key->protocol = bytes[6];
#pragma unroll
	for (int i = 0; i < 8; i++)
		key->addresses[i] = head.words[2 + i];
	if (key->protocol == IPPROTO_ICMPV6)
		return 0;
	if (!first_packets_has_ports(key->protocol) ||
	    first_packets_load(frame, 40, &next, key->protocol == IPPROTO_TCP ? 14 : 4))
		return -1;
	key->ports[0] = (__u16)(next.bytes[0] | next.bytes[1] << 8);
	key->ports[1] = (__u16)(next.bytes[2] | next.bytes[3] << 8);
	*flags = key->protocol == IPPROTO_TCP ? next.bytes[13] : 0;
	return 0;
}

static __always_inline int first_packets_begins(const struct first_packets_flow *flow, __u32 flags, __u64 now)
{
	int is_first = (flags & (FIRST_PACKETS_SYN | FIRST_PACKETS_ACK)) == FIRST_PACKETS_SYN;

	return now > flow->last_ns + FIRST_PACKETS_IDLE_NS ||
	       (is_first && flow->ended && now > flow->begun_ns + FIRST_PACKETS_AGAIN_NS);
}

static __always_inline int first_packets_ends(const struct first_packets_flow *flow, __u32 flags)
{
	return (flags & (FIRST_PACKETS_FIN | FIRST_PACKETS_RST)) && !flow->ended;
}

/* Processors that count one flow at once may count a packet too few: it sees one more. */
static __always_inline int first_packets_count(const struct first_packets_key *key, __u32 flags)
{
	struct first_packets_flow *flow = bpf_map_lookup_elem(&first_packets_flows, key);
	__u32 limit = key->protocol == IPPROTO_TCP ? FIRST_PACKETS_TCP : FIRST_PACKETS_OTHER;
	__u64 now = bpf_ktime_get_coarse_ns();
	struct first_packets_flow fresh = {now, now, now, 1, 0};
	int passes;

	if (!flow) {
		bpf_map_update_elem(&first_packets_flows, key, &fresh, BPF_ANY);
		return 1;
	}
	if (first_packets_begins(flow, flags, now)) {
		*flow = fresh;
		return 1;
	}
	passes = flow->count < limit || first_packets_ends(flow, flags) ||
		 now > flow->told_ns + FIRST_PACKETS_SIGN_NS;
	flow->last_ns = now;
	flow->ended |= !!(flags & (FIRST_PACKETS_FIN | FIRST_PACKETS_RST));
	flow->count += flow->count < limit;
	if (passes)
		flow->told_ns = now;
	return passes;
}

SEC("socket")
int first_packets(struct __sk_buff *frame)
{
	struct first_packets_key key = {};
	__u32 flags = 0;
	int status;

	if (frame->protocol == bpf_htons(ETH_P_IP))
		status = first_packets_read_4(frame, &key, &flags);
	else if (frame->protocol == bpf_htons(ETH_P_IPV6))
		status = first_packets_read_6(frame, &key, &flags);
	else if (frame->protocol == bpf_htons(ETH_P_8021Q) || frame->protocol == bpf_htons(ETH_P_8021AD))
		status = -1;
	else
		return FIRST_PACKETS_NONE;
	if (status)
		return FIRST_PACKETS_WHOLE;
	first_packets_turn(&key);
	return first_packets_count(&key, flags) ? FIRST_PACKETS_WHOLE : FIRST_PACKETS_NONE;
}
