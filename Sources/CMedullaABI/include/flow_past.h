/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What a flow is told of others when it begins: of earlier ones of its hosts, and of the last ones of all. */
#ifndef MEDULLA_FLOW_PAST_H
#define MEDULLA_FLOW_PAST_H

#include "packet_parse.h"

#define FLOW_RECENT 4  /* flows of the same pair of hosts that are remembered */
#define FLOW_LAST 100  /* flows before a flow, of any hosts, among which it counts its likes (UNSW-NB15) */
#define FLOW_LOG 128   /* traces that are kept of them: a power of two */

/* In what two flows are alike; a service is a protocol and a destination port. */
enum flow_alike {
	FLOW_ALIKE_SOURCE,
	FLOW_ALIKE_DESTINATION,
	FLOW_ALIKE_ENDS,	     /* both addresses */
	FLOW_ALIKE_SOURCE_SERVICE,   /* the source's address, and the service */
	FLOW_ALIKE_DESTINATION_SERVICE,
	FLOW_ALIKE_SOURCE_PORT,	     /* the source's address, and the destination's port */
	FLOW_ALIKE_DESTINATION_PORT /* the destination's address, and the source's port */
};

/* An earlier flow of the same two hosts. */
struct flow_recent {
	__u64 begun_us;
	__u64 bytes; /* of its frames so far, both directions */
};

/* What a flow is told of its hosts when it begins. */
struct flow_past {
	struct flow_recent recent[FLOW_RECENT]; /* the nearest first; without bytes: none */
	__u64 number;				/* the flow's own, among those of its hosts */
	__u64 alike; /* a byte for each of enum flow_alike: so many of the FLOW_LAST flows before it */
};

/* Two hosts. By the number of a flow of theirs, its place in `recent` is the number's remainder. */
struct flow_pair {
	__u64 flows; /* so far */
	struct flow_recent recent[FLOW_RECENT];
};

/* Whose flows a pair remembers: the key of a flow, turned, without what differs from flow to flow. */
struct flow_pair_key {
	__u8 addresses[2][16];
};

/* Of a flow, what others are compared with. */
struct flow_trace {
	__u64 number;	    /* the flow's plus one; 0: none is here */
	__u64 addresses[2][2]; /* source and destination of the first packet */
	__be16 ports[2];
	__u8 protocol;
	__u8 reserved[3];
};

/* The last flows that began, each at its number's remainder. */
struct flow_log {
	__u64 flows; /* so far */
	struct flow_trace traces[FLOW_LOG];
};

/* Makes a flow that begins one of its hosts'. No two processors may be here for one pair. */
static __always_inline void flow_join(struct flow_past *past, struct flow_pair *pair, __u64 now_us)
{
	__u64 number = pair->flows++;

	past->number = number;
#pragma unroll
	for (int i = 0; i < FLOW_RECENT; i++)
		past->recent[i] = pair->recent[(number - 1 - i) % FLOW_RECENT];
	pair->recent[number % FLOW_RECENT].begun_us = now_us;
	pair->recent[number % FLOW_RECENT].bytes = 0;
}

/* Tells the pair of a packet, as long as it remembers the flow. */
static __always_inline void flow_tell(struct flow_pair *pair, __u64 number, __u32 length)
{
	if (pair->flows - number <= FLOW_RECENT)
		__sync_fetch_and_add(&pair->recent[number % FLOW_RECENT].bytes, length);
}

static __always_inline struct flow_pair_key flow_pair_of(const struct medulla_packet *packet)
{
	struct flow_pair_key key;

	__builtin_memcpy(key.addresses[0], packet->key.source, sizeof(key.addresses[0]));
	__builtin_memcpy(key.addresses[1], packet->key.destination, sizeof(key.addresses[1]));
	return key;
}

#define FLOW_ALIKE(holds, kind) ((__u64)(holds) << (kind) * 8)

/* 1 for 0, else 0: no branch, of which the verifier would walk both ways for each flow. */
static __always_inline __u64 flow_is_zero(__u64 value)
{
	__u64 negative = -value;

	/* The compiler would see through it, and branch. */
	__asm__("" : "+r"(negative));
	return ((value | negative) >> 63) ^ 1;
}

/* In what a trace is like a flow's, a byte for each; the words are the flow's. */
static __always_inline __u64 flow_alike(const struct flow_trace *trace, const __u64 *ends, __u32 ports,
					__u8 protocol, __u64 number)
{
	__u64 is_there = flow_is_zero(*(const volatile __u64 *)&trace->number ^ number);
	__u64 source = is_there & flow_is_zero((trace->addresses[0][0] ^ ends[0]) |
					       (trace->addresses[0][1] ^ ends[1]));
	__u64 destination = is_there & flow_is_zero((trace->addresses[1][0] ^ ends[2]) |
						    (trace->addresses[1][1] ^ ends[3]));
	__u64 from_port = flow_is_zero(trace->ports[0] ^ (__u16)ports);
	__u64 to_port = flow_is_zero(trace->ports[1] ^ (__u16)(ports >> 16));
	__u64 service = to_port & flow_is_zero(trace->protocol ^ protocol);

	return FLOW_ALIKE(source, FLOW_ALIKE_SOURCE) | FLOW_ALIKE(destination, FLOW_ALIKE_DESTINATION) |
	       FLOW_ALIKE(source & destination, FLOW_ALIKE_ENDS) |
	       FLOW_ALIKE(source & service, FLOW_ALIKE_SOURCE_SERVICE) |
	       FLOW_ALIKE(destination & service, FLOW_ALIKE_DESTINATION_SERVICE) |
	       FLOW_ALIKE(source & to_port, FLOW_ALIKE_SOURCE_PORT) |
	       FLOW_ALIKE(destination & from_port, FLOW_ALIKE_DESTINATION_PORT);
}

/* Counts the likes of a flow that begins among the FLOW_LAST before it, and puts it into the log. Processors
 * may be here at once: a trace that is being written is no flow's. */
static __always_inline void flow_compare(struct flow_past *past, struct flow_log *log,
					 const struct medulla_packet *packet)
{
	const struct medulla_flow_key *key = &packet->key;
	__u64 number = __sync_fetch_and_add(&log->flows, 1), alike = 0, ends[4];
	struct flow_trace *trace = &log->traces[number % FLOW_LOG];
	__be16 from = packet->reversed ? key->destination_port : key->source_port;
	__be16 to = packet->reversed ? key->source_port : key->destination_port;

	__builtin_memcpy(ends, packet->reversed ? key->destination : key->source, 16);
	__builtin_memcpy(ends + 2, packet->reversed ? key->source : key->destination, 16);
	/* At most FLOW_LAST of each, so that no byte overflows into the next. */
	for (__u32 i = 1; i <= FLOW_LAST; i++)
		alike += flow_alike(&log->traces[(number - i) % FLOW_LOG], ends, (__u32)to << 16 | from,
				    key->protocol, number - i + 1);
	past->alike = alike;
	*(volatile __u64 *)&trace->number = 0;
	__builtin_memcpy(trace->addresses, ends, sizeof(ends));
	trace->ports[0] = from;
	trace->ports[1] = to;
	trace->protocol = key->protocol;
	*(volatile __u64 *)&trace->number = number + 1;
}

#endif /* MEDULLA_FLOW_PAST_H */
