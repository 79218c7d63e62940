/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What a packet says of its flow: for functions, for the dispatcher before them, and for user space, which
 * reads captures. One source, so that all see the same.
 */
#ifndef MEDULLA_PACKET_PARSE_H
#define MEDULLA_PACKET_PARSE_H

#include <linux/types.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define PACKET_VLAN_TAGS 2	 /* that are gone past: one, or QinQ's two */
#define PACKET_EXTENSION_HEADERS 6 /* of IPv6 that are gone past; RFC 8200 knows seven, each once */

/* Not from `linux/in.h` and its kin, which user space may include in another form. */
#define PACKET_IPV4 0x0800
#define PACKET_IPV6 0x86dd
#define PACKET_VLAN 0x8100
#define PACKET_QINQ 0x88a8
#define PACKET_TCP 6
#define PACKET_UDP 17
#define PACKET_HOP_OPTIONS 0
#define PACKET_ROUTING 43
#define PACKET_FRAGMENT 44
#define PACKET_AUTHENTICATION 51
#define PACKET_DESTINATION_OPTIONS 60
#define PACKET_MOBILITY 135
#define PACKET_IPV4_BYTES 20 /* of the header, without options */
#define PACKET_IPV6_BYTES 40
#define PACKET_TCP_BYTES 20
#define PACKET_UDP_BYTES 8

/* packet.flags: as TCP has them. */
#define PACKET_FIN 0x01
#define PACKET_SYN 0x02
#define PACKET_RST 0x04
#define PACKET_PSH 0x08
#define PACKET_ACK 0x10
#define PACKET_URG 0x20
#define PACKET_ECE 0x40
#define PACKET_CWR 0x80

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
	__u32 payload; /* bytes after the transport header, of all segments */
	__u8 begins;   /* it may begin a flow that is kept: no bare TCP segment */
	__u8 ends;     /* TCP's FIN, which ends its direction, or RST */
	__u8 resets;   /* TCP's RST, which ends both */
	__u8 flags;    /* TCP's */
	__u32 sequence; /* TCP's */
	__u16 window;	/* TCP's, as it is in the header */
	__u16 header;	/* bytes from the frame's first to the payload's first */
	__u16 network;	/* bytes from the frame's first to the network header's first */
	__u8 hops;	/* time to live, or hop limit */
	__u8 reversed;	/* the key was turned by `medulla_turn` */
};

_Static_assert(sizeof(struct medulla_flow_key) == 40, "key layout");
_Static_assert(sizeof(struct medulla_packet) == 60, "packet layout");

/* In the kernel headers lie at even addresses, and eBPF reads what is known to in one piece. */
#ifdef __bpf__
#define PACKET_AT(at, alignment) __builtin_assume_aligned((at), (alignment))
#else
#define PACKET_AT(at, alignment) (at)
#endif

static __always_inline __u16 packet_word(const __u8 *at)
{
	__u16 word;

	__builtin_memcpy(&word, PACKET_AT(at, 2), sizeof(word));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap16(word);
#endif
	return word;
}

/*
 * The same number, of which the verifier knows nothing any more: ways that have come to one place are then
 * alike to it, and it walks on from there once. It knows what a whole word of the stack holds, not a half.
 */
static __always_inline __u32 packet_forget(__u32 value)
{
#ifdef __bpf__
	volatile struct {
		__u32 other_half;
		__u32 value;
	} __attribute__((aligned(8))) memory;

	memory.value = value;
	return memory.value;
#else
	return value;
#endif
}

/* Beyond any headers that are gone past: 14 bytes, two tags, 40 bytes and six extension headers of 2,048. */
#define PACKET_OFFSET_MASK 0x3fff

static __always_inline const __u8 *packet_at(const __u8 *frame, __u32 offset)
{
	return frame + (offset & PACKET_OFFSET_MASK);
}

/* Sets of protocol numbers below 64, as bits: one branch for the verifier, or none, instead of many. */
#define PACKET_SET(number) (1ULL << (number))
#define PACKET_IN_EIGHTS                                                                                    \
	(PACKET_SET(PACKET_HOP_OPTIONS) | PACKET_SET(PACKET_ROUTING) | PACKET_SET(PACKET_DESTINATION_OPTIONS))
#define PACKET_EXTENSIONS                                                                                   \
	(PACKET_IN_EIGHTS | PACKET_SET(PACKET_FRAGMENT) | PACKET_SET(PACKET_AUTHENTICATION))

static __always_inline __u32 packet_is_in(__u64 set, __u8 number)
{
	return set >> (number & 63) & 1;
}

static __always_inline int packet_parse_transport(const __u8 *frame, __u32 offset, const __u8 *end,
						  __s32 bytes, struct medulla_packet *packet)
{
	const __u8 *at = packet_at(frame, offset);
	__s32 header = 0;

	packet->begins = 1;
	if (packet->key.protocol == PACKET_TCP) {
		if (at + PACKET_TCP_BYTES > end)
			return -1;
		header = at[12] >> 4 << 2;
		if (header < PACKET_TCP_BYTES)
			return -1;
		packet->flags = at[13];
		packet->sequence = (__u32)packet_word(at + 4) << 16 | packet_word(at + 6);
		packet->window = packet_word(at + 14);
		packet->resets = !!(at[13] & PACKET_RST);
		packet->ends = !!(at[13] & (PACKET_FIN | PACKET_RST));
		packet->begins = !packet->ends && ((at[13] & PACKET_SYN) || bytes > header);
	} else if (packet->key.protocol == PACKET_UDP) {
		if (at + PACKET_UDP_BYTES > end)
			return -1;
		header = PACKET_UDP_BYTES;
	}
	if (header) {
		__builtin_memcpy(&packet->key.source_port, PACKET_AT(at, 2), 2);
		__builtin_memcpy(&packet->key.destination_port, PACKET_AT(at + 2, 2), 2);
	}
	packet->payload = bytes > header ? bytes - header : 0;
	packet->header = (__u16)(offset + header);
	return 0;
}

/* The bytes after the header, or -1; the offset goes past it. */
static __always_inline __s32 packet_parse_four(const __u8 *frame, __u32 *offset, const __u8 *end,
					       struct medulla_packet *packet)
{
	const __u8 *at = packet_at(frame, *offset);
	__s32 header, total;

	/* Version 4 and at least five words. */
	if (at + PACKET_IPV4_BYTES > end || (__u8)(at[0] - 0x45) > 0x0a)
		return -1;
	/* A fragment that is not the first has no ports. */
	if (packet_word(at + 6) & 0x1fff)
		return -1;
	packet->key.version = 4;
	packet->key.protocol = at[9];
	packet->hops = at[8];
	__builtin_memcpy(packet->key.source, PACKET_AT(at + 12, 4), 4);
	__builtin_memcpy(packet->key.destination, PACKET_AT(at + 16, 4), 4);
	header = (at[0] & 0x0f) * 4;
	total = packet_word(at + 2);
	/* 0: more than the field can say, in a packet that stands for many. Without a branch. */
	total += ((__u32)total - 1) >> 31 << 16;
	*offset += header;
	return total > header ? total - header : 0;
}

static __always_inline __s32 packet_parse_six(const __u8 *frame, __u32 *offset, const __u8 *end,
					      struct medulla_packet *packet)
{
	const __u8 *at = packet_at(frame, *offset);
	__u32 total, length, go = *offset + PACKET_IPV6_BYTES;
	__u8 next;

	if (at + PACKET_IPV6_BYTES > end || at[0] >> 4 != 6)
		return -1;
	packet->key.version = 6;
	packet->hops = at[7];
	__builtin_memcpy(packet->key.source, PACKET_AT(at + 8, 4), 16);
	__builtin_memcpy(packet->key.destination, PACKET_AT(at + 24, 4), 16);
	total = packet_word(at + 4);
	next = at[6];
#pragma unroll
	for (int i = 0; i < PACKET_EXTENSION_HEADERS; i++) {
		if (next >= 64 || !packet_is_in(PACKET_EXTENSIONS, next))
			break;
		at = packet_at(frame, go);
		if (at + 8 > end)
			return -1;
		/* A fragment that is not the first. */
		if (packet_is_in(PACKET_SET(PACKET_FRAGMENT), next) * (packet_word(at + 2) & 0xfff8))
			return -1;
		length = 8 + at[1] * (8 * packet_is_in(PACKET_IN_EIGHTS, next) +
				      4 * packet_is_in(PACKET_SET(PACKET_AUTHENTICATION), next));
		next = at[0];
		total = packet_forget(total - length);
		go = packet_forget(go + length);
	}
	if (next == PACKET_MOBILITY || (next < 64 && packet_is_in(PACKET_EXTENSIONS, next)))
		return -1;
	packet->key.protocol = next;
	*offset = go;
	return (__s32)total > 0 ? (__s32)total : 0;
}

/* `offset`: of the network header, whose kind `type` says. */
static __always_inline int packet_parse_network(const __u8 *frame, __u32 offset, const __u8 *end, __u16 type,
						struct medulla_packet *packet)
{
	__s32 bytes = -1;

	offset = packet_forget(offset);
	packet->network = (__u16)offset;
	if (type == PACKET_IPV4)
		bytes = packet_parse_four(frame, &offset, end, packet);
	else if (type == PACKET_IPV6)
		bytes = packet_parse_six(frame, &offset, end, packet);
	if (bytes < 0)
		return -1;
	bytes = (__s32)packet_forget((__u32)bytes);
	offset = packet_forget(offset);
	return packet_parse_transport(frame, offset, end, bytes, packet);
}

/*
 * Reads the flow of an Ethernet frame with IPv4 or IPv6, behind up to two VLAN tags and IPv6's extension
 * headers. -1 for anything else, and for fragments that are not the first. data, end:
 * `(void *)(long)ctx->data` and `data_end`.
 */
static __always_inline int medulla_parse(const void *data, const void *end, struct medulla_packet *packet)
{
	const __u8 *frame = data, *at = frame + 14;
	__u32 offset = 14;
	__u16 type;

	__builtin_memset(packet, 0, sizeof(*packet));
	if ((const void *)at > end)
		return -1;
	type = packet_word(at - 2);
#pragma unroll
	for (int i = 0; i < PACKET_VLAN_TAGS; i++) {
		if (type != PACKET_VLAN && type != PACKET_QINQ)
			break;
		at += 4;
		offset += 4;
		if ((const void *)at > end)
			return -1;
		type = packet_word(at - 2);
	}
	return packet_parse_network(frame, offset, end, (__u16)packet_forget(type), packet);
}

/*
 * Makes the key the same for both directions of a flow, and notes whether it was turned. The order is of
 * words as the machine has them: any will do that is the same for both directions.
 */
static __always_inline void medulla_turn(struct medulla_packet *packet)
{
	struct medulla_flow_key *key = &packet->key;
	__u64 from[2], to[2];
	__be16 port = key->source_port;

	__builtin_memcpy(from, key->source, sizeof(from));
	__builtin_memcpy(to, key->destination, sizeof(to));
	packet->reversed = from[0] != to[0]   ? from[0] > to[0]
			   : from[1] != to[1] ? from[1] > to[1]
					      : key->source_port > key->destination_port;
	if (!packet->reversed)
		return;
	__builtin_memcpy(key->source, to, sizeof(to));
	__builtin_memcpy(key->destination, from, sizeof(from));
	key->source_port = key->destination_port;
	key->destination_port = port;
}

#endif /* MEDULLA_PACKET_PARSE_H */
