/* SPDX-License-Identifier: GPL-2.0 */
/* What a packet says of its flow: for functions, and for the dispatcher before them. */
#ifndef MEDULLA_PARSE_BPF_H
#define MEDULLA_PARSE_BPF_H

#include "kernel_types.h"

#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

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

/* Where the sweep finds a flow that is kept. */
struct medulla_place {
	__u64 number; /* the flow's; 0: free, MEDULLA_PLACE_TAKEN: its flow is on its way into the table */
	struct medulla_flow_key key;
};

#define MEDULLA_PLACE_TAKEN (~0ULL)

struct medulla_packet {
	struct medulla_flow_key key;
	__u32 payload; /* bytes after the transport header */
	__u8 begins;   /* it may begin a flow that is kept: no bare TCP segment */
	__u8 ends;     /* TCP's FIN, which ends its direction, or RST */
	__u8 resets;   /* TCP's RST, which ends both */
	__u8 reserved;
};

/* Behind such a header are others before the transport's, which are not followed. A set, as bits: one branch
 * for the verifier instead of five. */
static __always_inline int medulla_is_extension(__u8 next)
{
	const __u64 set = 1ULL << IPPROTO_HOPOPTS | 1ULL << IPPROTO_ROUTING | 1ULL << IPPROTO_FRAGMENT |
			  1ULL << IPPROTO_AH | 1ULL << IPPROTO_DSTOPTS;

	return next < 64 ? set >> next & 1 : next == IPPROTO_MH;
}

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
		if (header < sizeof(*tcp))
			return -1;
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
	} else if (packet->key.version == 6 && medulla_is_extension(packet->key.protocol)) {
		return -1;
	}
	packet->payload = bytes > header ? bytes - header : 0;
	return 0;
}

/*
 * Reads the flow of an Ethernet frame with IPv4, or with IPv6 without extension headers. -1 for anything
 * else, a frame with a VLAN tag too (at tc the kernel has taken off the outer one). data, end:
 * `(void *)(long)ctx->data` and `data_end`.
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
		if ((void *)(four + 1) > end || (__u8)(*(__u8 *)four - 0x45) > 0x0a)
			return -1;
		/* Version 4 and at least five words, above. A fragment that is not the first has no ports. */
		if (four->frag_off & bpf_htons(0x1fff))
			return -1;
		packet->key.version = 4;
		packet->key.protocol = four->protocol;
		__builtin_memcpy(packet->key.source, &four->saddr, 4);
		__builtin_memcpy(packet->key.destination, &four->daddr, 4);
		header = four->ihl * 4;
		total = bpf_ntohs(four->tot_len);
		/* 0: more than the field can say, in a packet that stands for many. Without a branch. */
		total += (total - 1) >> 31 << 16;
		total = total > header ? total - header : 0;
		return medulla_parse_transport((void *)four + header, end, total, packet);
	}
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		if ((void *)(six + 1) > end || six->version != 6)
			return -1;
		packet->key.version = 6;
		packet->key.protocol = six->nexthdr;
		__builtin_memcpy(packet->key.source, &six->saddr, 16);
		__builtin_memcpy(packet->key.destination, &six->daddr, 16);
		return medulla_parse_transport(six + 1, end, bpf_ntohs(six->payload_len), packet);
	}
	return -1;
}

#endif /* MEDULLA_PARSE_BPF_H */
