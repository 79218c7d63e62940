/* SPDX-License-Identifier: GPL-2.0 */
/* How a packet comes onto its path: next hops, devices, and outer headers of its own. */
#ifndef MEDULLA_PATHS_STEER_BPF_H
#define MEDULLA_PATHS_STEER_BPF_H

#include "paths.bpf.h"

#include <linux/pkt_cls.h>

#define PATHS_TAG_MASK 0xf /* of tc_index: 0: it passes as it is, else the path plus one that it is sent to */
#define PATHS_HOPS 64	   /* of outer headers */
#define PATHS_INET 2	   /* AF_INET */
#define PATHS_INET6 10	   /* AF_INET6 */
#define PATHS_DONT_FRAGMENT 0x4000
#define PATHS_TO_FOUR 16 /* bytes from the header's first to the destination's first */
#define PATHS_TO_SIX 24

/* What is known of a next hop; none is a verdict of tc. */
#define PATHS_RESOLVED 100
#define PATHS_UNREADY 101
#define PATHS_UNKNOWN 102

/* The segment routing header of RFC 8754, section 2; a kernel's has no length of its own. */
struct paths_segments {
	__u8 next;
	__u8 length; /* in eights of bytes, without the first */
	__u8 type;   /* 4 */
	__u8 left;
	__u8 last;
	__u8 flags;
	__be16 tag;
	__u8 list[PATHS_SEGMENTS][16]; /* the last one first */
};

#define PATHS_SEGMENT_HEADER 8 /* bytes before the list */
#define PATHS_ROUTING_TYPE 4

static __always_inline const struct path_way *paths_get_way(__u32 path)
{
	const struct paths_settings *settings = paths_get_settings();

	return settings && path < PATHS_LIMIT ? &settings->ways[path] : 0;
}

/* The inner packet's traffic class, which the outer one has too (RFC 6040), and its version; 0: neither. */
static __always_inline __u32 paths_class(struct __sk_buff *skb, __u8 *class)
{
	__u8 bytes[2];

	if (bpf_skb_load_bytes(skb, ETH_HLEN, bytes, sizeof(bytes)))
		return 0;
	*class = bytes[0] >> 4 == 4 ? bytes[1] : (__u8)(bytes[0] << 4 | bytes[1] >> 4);
	return bytes[0] >> 4;
}

/* What a header says of a packet that is longer, and that is cut before it is sent. */
static __always_inline __be16 paths_length(__u32 bytes)
{
	return bpf_htons(bytes > 0xffff ? 0xffff : (__u16)bytes);
}

static __always_inline int paths_write_kind(struct __sk_buff *skb, __u16 kind)
{
	__be16 type = bpf_htons(kind);

	return bpf_skb_store_bytes(skb, ETH_HLEN - sizeof(type), &type, sizeof(type), 0) ? -1 : 0;
}

/* An outer IPv4 header (RFC 2003). */
__noinline int paths_push_four(struct __sk_buff *skb, const struct path_way *way)
{
	struct iphdr outer = {.ihl = 5, .version = 4, .ttl = PATHS_HOPS};
	__u32 version, sum = 0;
	__u16 words[10];
	__u8 class = 0;

	if (!way)
		return -1;
	version = paths_class(skb, &class);
	if (!version)
		return -1;
	outer.tos = class;
	outer.protocol = version == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	outer.frag_off = bpf_htons(PATHS_DONT_FRAGMENT);
	outer.tot_len = paths_length(skb->len - ETH_HLEN + sizeof(outer));
	__builtin_memcpy(&outer.saddr, way->source, sizeof(outer.saddr));
	__builtin_memcpy(&outer.daddr, way->segments[0], sizeof(outer.daddr));
	__builtin_memcpy(words, &outer, sizeof(words));
#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	outer.check = (__u16) ~((sum & 0xffff) + (sum >> 16));
	if (bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4))
		return -1;
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer), 0))
		return -1;
	return paths_write_kind(skb, ETH_P_IP);
}

/* An outer IPv6 header, and with more than one segment the list of them (RFC 8754; with one RFC 8986, 5.1,
 * leaves it out). */
__noinline int paths_push_six(struct __sk_buff *skb, const struct path_way *way)
{
	struct ipv6hdr outer = {.version = 6, .hop_limit = PATHS_HOPS};
	struct paths_segments segments = {};
	__u32 version, count, label, list;
	__u8 class = 0, next;

	if (!way)
		return -1;
	version = paths_class(skb, &class);
	count = way->segment_count;
	if (!version || count < 1 || count > PATHS_SEGMENTS)
		return -1;
	next = version == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	list = count > 1 ? PATHS_SEGMENT_HEADER + count * 16 : 0;
	/* One label a flow, so that routers between keep it together. */
	label = bpf_get_hash_recalc(skb) & 0xfffff;
	outer.priority = class >> 4;
	outer.flow_lbl[0] = (__u8)(class << 4 | label >> 16);
	outer.flow_lbl[1] = (__u8)(label >> 8);
	outer.flow_lbl[2] = (__u8)label;
	outer.payload_len = paths_length(skb->len - ETH_HLEN + list);
	outer.nexthdr = list ? IPPROTO_ROUTING : next;
	__builtin_memcpy(&outer.saddr, way->source, 16);
	__builtin_memcpy(&outer.daddr, way->segments[0], 16);
	segments.next = next;
	segments.length = (__u8)(count * 2);
	segments.type = PATHS_ROUTING_TYPE;
	segments.left = segments.last = (__u8)(count - 1);
	__builtin_memcpy(segments.list[0], way->segments[count == 3 ? 2 : 1], 16);
	__builtin_memcpy(segments.list[1], way->segments[count == 3 ? 1 : 0], 16);
	__builtin_memcpy(segments.list[2], way->segments[0], 16);
	if (bpf_skb_adjust_room(skb, sizeof(outer) + list, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6))
		return -1;
	if (bpf_skb_store_bytes(skb, ETH_HLEN, &outer, sizeof(outer), 0))
		return -1;
	if (count == 2 && bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(outer), &segments,
					      PATHS_SEGMENT_HEADER + 2 * 16, 0))
		return -1;
	if (count == 3 && bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(outer), &segments,
					      PATHS_SEGMENT_HEADER + 3 * 16, 0))
		return -1;
	return paths_write_kind(skb, ETH_P_IPV6);
}

/* Bytes of the headers that a path puts before a packet. */
static __always_inline __u32 paths_growth(const struct path_way *way)
{
	if (way->kind == PATH_IPIP)
		return sizeof(struct iphdr);
	if (way->kind != PATH_SRV6)
		return 0;
	return sizeof(struct ipv6hdr) +
	       (way->segment_count > 1 ? PATHS_SEGMENT_HEADER + way->segment_count * 16 : 0);
}

/* Whether the path can carry the packet. One that is cut later fits: the kernel cuts it smaller. For IPv6 a
 * next hop must be given: with a source address the kernel looks for a route over any interface, and then
 * asks this one's link for the router of another. */
static __always_inline int paths_carries(struct __sk_buff *skb, const struct path_way *way)
{
	if (way->hop_version != 6 && way->kind == PATH_NEIGHBOUR && skb->protocol != bpf_htons(ETH_P_IP))
		return 0;
	if (way->kind >= PATH_IPIP && skb->vlan_present)
		return 0;
	return !way->mtu || skb->gso_size || skb->len - ETH_HLEN + paths_growth(way) <= way->mtu;
}

/* Whom the packet is handed to: the next hop, or whom it is for. */
static __always_inline int paths_find_hop(struct __sk_buff *skb, const struct path_way *way,
					  struct bpf_fib_lookup *fib)
{
	int is_four = way->hop_version ? way->hop_version == 4 :
		      way->kind == PATH_NEIGHBOUR ? skb->protocol == bpf_htons(ETH_P_IP) :
						    way->kind == PATH_IPIP;

	fib->family = is_four ? PATHS_INET : PATHS_INET6;
	fib->ifindex = way->interface;
	if (way->hop_version || way->kind != PATH_NEIGHBOUR) {
		__builtin_memcpy(fib->ipv6_dst, way->hop_version ? way->hop : way->segments[0], 16);
		return 0;
	}
	if (is_four)
		return (int)bpf_skb_load_bytes(skb, ETH_HLEN + PATHS_TO_FOUR, &fib->ipv4_dst, 4);
	return (int)bpf_skb_load_bytes(skb, ETH_HLEN + PATHS_TO_SIX, fib->ipv6_dst, 16);
}

/* The hop's address on the link, in `fib`. The kernel tells it to programs only where the device forwards;
 * elsewhere it is asked for when the packet is there (PATHS_UNKNOWN). */
__noinline int paths_resolve(struct __sk_buff *skb, const struct path_way *way, struct bpf_fib_lookup *fib)
{
	long status;

	if (!way || !fib)
		return PATHS_UNKNOWN;
	__builtin_memset(fib, 0, sizeof(*fib));
	if (paths_find_hop(skb, way, fib))
		return PATHS_UNKNOWN;
	status = bpf_fib_lookup(skb, fib, sizeof(*fib), BPF_FIB_LOOKUP_OUTPUT);
	if (status == BPF_FIB_LKUP_RET_SUCCESS)
		return PATHS_RESOLVED;
	return status == BPF_FIB_LKUP_RET_NO_NEIGH ? PATHS_UNREADY : PATHS_UNKNOWN;
}

/* To the next hop, or to the address that the packet now begins with. */
static __always_inline int paths_go(const struct path_way *way)
{
	struct bpf_redir_neigh hop = {};

	if (!way->hop_version)
		return (int)bpf_redirect_neigh(way->interface, 0, 0, 0);
	hop.nh_family = way->hop_version == 4 ? PATHS_INET : PATHS_INET6;
	__builtin_memcpy(hop.ipv6_nh, way->hop, 16);
	return (int)bpf_redirect_neigh(way->interface, &hop, sizeof(hop), 0);
}

static __always_inline int paths_write_link(struct __sk_buff *skb, const struct bpf_fib_lookup *fib)
{
	return bpf_skb_store_bytes(skb, 0, fib->dmac, ETH_ALEN, 0) ||
	       bpf_skb_store_bytes(skb, ETH_ALEN, fib->smac, ETH_ALEN, 0);
}

/* Sends the packet along a path; as it is routed when the path cannot carry it. PATHS_UNREADY: nothing is
 * done, for nobody answers for the next hop; with `force` it is asked for, and the packet waits. */
__noinline int paths_steer(struct __sk_buff *skb, __u32 path, __u32 force)
{
	const struct paths_settings *settings = paths_get_settings();
	const struct path_way *way = paths_get_way(path);
	struct path_counts *counts = paths_get_counts(path);
	struct bpf_fib_lookup fib;
	int status = 0, resolved = PATHS_UNKNOWN;

	if (!settings || !way || !counts || way->kind == PATH_AS_ROUTED)
		return TC_ACT_UNSPEC;
	if (!paths_carries(skb, way)) {
		medulla_count(&counts->unfit, 1);
		return TC_ACT_UNSPEC;
	}
	if (way->kind != PATH_DEVICE)
		resolved = paths_resolve(skb, way, &fib);
	if (resolved == PATHS_UNREADY && !force)
		return PATHS_UNREADY;
	if (way->kind == PATH_IPIP)
		status = paths_push_four(skb, way);
	else if (way->kind == PATH_SRV6)
		status = paths_push_six(skb, way);
	if (status) {
		medulla_count(&counts->unfit, 1);
		return TC_ACT_UNSPEC;
	}
	skb->tc_index = (__u16)settings->tag;
	if (resolved == PATHS_RESOLVED && paths_write_link(skb, &fib))
		return TC_ACT_SHOT;
	if (way->kind == PATH_DEVICE || resolved == PATHS_RESOLVED)
		return (int)bpf_redirect(way->interface, 0);
	return paths_go(way);
}

/* A copy of the packet, along another path: it comes by here once more, tagged with the path. */
__noinline int paths_send_copy(struct __sk_buff *skb, __u32 path)
{
	const struct paths_settings *settings = paths_get_settings();

	if (!settings || path >= PATHS_LIMIT)
		return 0;
	skb->tc_index = (__u16)(settings->tag | (path + 1));
	bpf_clone_redirect(skb, skb->ifindex, 0);
	skb->tc_index = 0;
	return 0;
}

/* A packet that comes by again. */
static __always_inline int paths_pass_tagged(struct __sk_buff *skb)
{
	__u32 path = skb->tc_index & PATHS_TAG_MASK;

	skb->tc_index = 0;
	return path ? paths_steer(skb, path - 1, 1) : TC_ACT_UNSPEC;
}

#endif /* MEDULLA_PATHS_STEER_BPF_H */
