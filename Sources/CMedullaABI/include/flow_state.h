/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What is kept of a flow, both directions of it, from packet to packet: all that `flow_features.h` makes
 * features of. Integers only, and no function of the kernel's, so that a program at tc or XDP and a reader of
 * captures come to the same bits.
 *
 * Forward is the direction of the flow's first packet. Times are microseconds.
 */
#ifndef MEDULLA_FLOW_STATE_H
#define MEDULLA_FLOW_STATE_H

#include "flow_past.h"
#include "packet_parse.h"

#define FLOW_FORWARD 0
#define FLOW_BACKWARD 1

#define FLOW_IDLE_US 5000000ULL	    /* a longer gap parts two active times (CICFlowMeter) */
#define FLOW_SUBFLOW_US 1000000ULL  /* a longer gap parts two subflows (CICFlowMeter) */
#define FLOW_BULK_US 1000000ULL	    /* a longer gap parts two bulks (CICFlowMeter) */
#define FLOW_BULK_PACKETS 4	    /* with payload, and none of the other direction between (CICFlowMeter) */
#define FLOW_ENDED_US 2000000ULL    /* so long a flow that has ended takes late packets in */
#define FLOW_GAP_LIMIT 0xffffffffULL /* of a gap in microseconds: 71 minutes */
#define FLOW_PAYLOAD_BYTES 32	    /* of the first packet with payload, that are looked at */

/* Values in a row: enough for their mean and their deviation, exactly. */
struct flow_series {
	__u64 sum;
	__u64 squares;	    /* the low word of the sum of squares */
	__u64 squares_high; /* and the high one */
	__u32 count;
	__u32 least;
	__u32 most;
	__u32 reserved;
};

/* One direction. */
struct flow_way {
	struct flow_series lengths;  /* of frames, in bytes */
	struct flow_series payloads; /* after the transport header, in bytes */
	struct flow_series gaps;     /* between packets of this direction */
	__u64 last_us;
	__u64 headers;	/* bytes of network and transport headers */
	__u64 jitter;	/* sum of |difference| of neighbouring gaps */
	__u64 bulk_us;	/* of all bulks */
	__u64 bulk_bytes;
	__u64 begun_us; /* of what may become a bulk */
	__u64 begun_bytes;
	__u64 begun_last_us;
	__u32 bulks;
	__u32 bulk_packets;
	__u32 begun_packets;
	__u32 last_gap;
	__u32 pushes;
	__u32 urgents;
	__u32 data_packets; /* with payload */
	__u32 repeated;	    /* TCP packets with payload that was sent before */
	__u32 next;	    /* TCP's sequence number after the last payload */
	__u32 first_sequence;
	__u16 window; /* TCP's, of the first packet */
	__u16 least_header;
	__u8 hops; /* of the first packet */
	__u8 ended;
	__u8 reserved[2];
};

struct flow_state {
	struct flow_way ways[2];
	struct flow_series gaps;    /* of both directions together */
	struct flow_series actives; /* times without a long gap */
	struct flow_series idles;   /* long gaps */
	struct flow_past past;
	__u64 begun_us;
	__u64 last_us;
	__u64 active_us; /* when the present active time began */
	__u64 asked_us;	 /* TCP's SYN; 0: not seen */
	__u64 answered_us; /* its SYN and ACK */
	__u64 settled_us;  /* the ACK of that */
	__u32 flags[8];	   /* packets with FIN, SYN, RST, PSH, ACK, URG, ECE, CWR */
	__u32 subflows;	   /* gaps between them */
	__u8 head[FLOW_PAYLOAD_BYTES]; /* of the first payload, in either direction */
	__u8 head_bytes;
	__u8 reversed; /* the first packet's key was turned */
	__u8 reserved[2];
	__be16 ports[2]; /* source and destination of the first packet */
	__u8 protocol;
	__u8 version;
	__u8 same_ends; /* both addresses and ports are the same */
	__u8 reserved_too;
};

/* One packet of a flow, or several segments of it that are on their way as one. */
struct flow_packet {
	__u64 time_us;
	__u32 length;	/* bytes of the frames on the wire, of all segments */
	__u32 segments; /* at least one */
	__u32 segment;	/* payload bytes of each but the last; 0 with one segment */
	__u32 reserved;
	__u64 clock_ns; /* of the table's clock, CLOCK_MONOTONIC; captures have none */
};

static __always_inline void flow_add_square(struct flow_series *series, __u64 square, __u32 times)
{
	/* Below 2^64 for values below 2^32; `times` of them by halves, so that nothing overflows unseen. */
	__u64 low = (square & 0xffffffff) * times, high = (square >> 32) * times;
	__u64 sum = series->squares + low;

	series->squares_high += sum < low;
	series->squares = sum + (high << 32);
	series->squares_high += (high >> 32) + (series->squares < sum);
}

/* A value that comes `times` times. */
static __always_inline void flow_add(struct flow_series *series, __u32 value, __u32 times)
{
	series->least = !series->count || value < series->least ? value : series->least;
	series->most = value > series->most ? value : series->most;
	series->count += times;
	series->sum += (__u64)value * times;
	flow_add_square(series, (__u64)value * value, times);
}

static __always_inline __u32 flow_gap(__u64 from_us, __u64 to_us)
{
	/* Captures may go back in time; then there was no gap. */
	__u64 gap = to_us > from_us ? to_us - from_us : 0;

	return gap > FLOW_GAP_LIMIT ? (__u32)FLOW_GAP_LIMIT : (__u32)gap;
}

/* All segments but the last are alike. */
static __always_inline void flow_add_sizes(struct flow_way *way, const struct medulla_packet *packet,
					   const struct flow_packet *seen)
{
	__u32 others = seen->segments - 1, sent = others * seen->segment;
	__u32 last = packet->payload > sent ? packet->payload - sent : 0;
	__u32 frame = seen->length - packet->payload;

	frame = seen->segments > 1 ? frame / seen->segments : frame;
	if (others) {
		flow_add(&way->lengths, frame + seen->segment, others);
		flow_add(&way->payloads, seen->segment, others);
	}
	flow_add(&way->lengths, seen->segments > 1 ? frame + last : seen->length, 1);
	flow_add(&way->payloads, last, 1);
}

/* CICFlowMeter's bulks: packets with payload in a row, without one of the other direction between. */
static __always_inline void flow_add_bulk(struct flow_way *way, struct flow_way *other, __u32 payload,
					  __u32 packets, __u64 now_us)
{
	if (!payload)
		return;
	other->begun_packets = 0;
	if (!way->begun_packets || flow_gap(way->begun_last_us, now_us) > FLOW_BULK_US) {
		way->begun_packets = 0;
		way->begun_us = now_us;
		way->begun_bytes = 0;
	}
	if (way->begun_packets >= FLOW_BULK_PACKETS) {
		way->bulk_packets += packets;
		way->bulk_bytes += payload;
		way->bulk_us += flow_gap(way->begun_last_us, now_us);
	} else if (way->begun_packets + packets >= FLOW_BULK_PACKETS) {
		way->bulks++;
		way->bulk_packets += way->begun_packets + packets;
		way->bulk_bytes += way->begun_bytes + payload;
		way->bulk_us += flow_gap(way->begun_us, now_us);
	}
	way->begun_packets += packets;
	way->begun_bytes += payload;
	way->begun_last_us = now_us;
}

static __always_inline void flow_add_times(struct flow_state *flow, struct flow_way *way, __u32 others,
					   __u64 now_us)
{
	__u32 gap;

	if (way->lengths.count) {
		gap = flow_gap(way->last_us, now_us);
		if (way->gaps.count)
			way->jitter += gap > way->last_gap ? gap - way->last_gap : way->last_gap - gap;
		flow_add(&way->gaps, gap, 1);
		way->last_gap = gap;
	}
	if (others) {
		/* Segments of one packet follow each other at once. */
		way->jitter += way->gaps.count ? way->last_gap : 0;
		flow_add(&way->gaps, 0, others);
		flow_add(&flow->gaps, 0, others);
		way->last_gap = 0;
	}
}

static __always_inline void flow_add_gap(struct flow_state *flow, __u64 now_us)
{
	__u32 gap = flow_gap(flow->last_us, now_us);

	flow_add(&flow->gaps, gap, 1);
	if (gap > FLOW_SUBFLOW_US)
		flow->subflows++;
	if (gap > FLOW_IDLE_US) {
		if (flow->last_us > flow->active_us)
			flow_add(&flow->actives, flow_gap(flow->active_us, flow->last_us), 1);
		flow_add(&flow->idles, gap, 1);
		flow->active_us = now_us;
	}
}

static __always_inline void flow_add_handshake(struct flow_state *flow, __u8 flags, int backward,
					       __u64 now_us)
{
	__u8 kind = flags & (PACKET_SYN | PACKET_ACK);

	if (kind == PACKET_SYN && !backward && !flow->asked_us)
		flow->asked_us = now_us;
	else if (kind == (PACKET_SYN | PACKET_ACK) && backward && !flow->answered_us)
		flow->answered_us = now_us;
	else if (kind == PACKET_ACK && !backward && flow->answered_us && !flow->settled_us)
		flow->settled_us = now_us;
}

static __always_inline void flow_add_tcp(struct flow_state *flow, struct flow_way *way,
					 const struct medulla_packet *packet)
{
	__u32 next = packet->sequence + packet->payload + !!(packet->flags & (PACKET_SYN | PACKET_FIN));

#pragma unroll
	for (int bit = 0; bit < 8; bit++)
		flow->flags[bit] += packet->flags >> bit & 1;
	way->pushes += !!(packet->flags & PACKET_PSH);
	way->urgents += !!(packet->flags & PACKET_URG);
	if (!way->lengths.count) {
		way->window = packet->window;
		way->first_sequence = packet->sequence;
		way->next = next;
	} else {
		if (packet->payload && (__s32)(packet->sequence - way->next) < 0)
			way->repeated++;
		if ((__s32)(next - way->next) > 0)
			way->next = next;
	}
	way->ended |= packet->ends;
}

static __always_inline void flow_begin(struct flow_state *flow, const struct medulla_packet *packet,
				       __u64 now_us)
{
	const struct medulla_flow_key *key = &packet->key;

	flow->begun_us = flow->last_us = flow->active_us = now_us;
	flow->reversed = packet->reversed;
	flow->ports[0] = packet->reversed ? key->destination_port : key->source_port;
	flow->ports[1] = packet->reversed ? key->source_port : key->destination_port;
	flow->protocol = key->protocol;
	flow->version = key->version;
	flow->same_ends = !__builtin_memcmp(key->source, key->destination, sizeof(key->source)) &&
			  key->source_port == key->destination_port;
}

/*
 * Takes a packet in; its key has been turned (`medulla_turn`). `flow` is all zero before its first packet,
 * but for its past. No two processors may be here for one flow.
 */
static __always_inline void flow_take(struct flow_state *flow, const struct medulla_packet *packet,
				      const struct flow_packet *seen)
{
	int backward;
	__u32 bytes;
	struct flow_way *way, *other;

	if (!flow->version)
		flow_begin(flow, packet, seen->time_us);
	else
		flow_add_gap(flow, seen->time_us);
	backward = packet->reversed != flow->reversed;
	/* Not by an index, whose bounds the verifier would have to be told. */
	way = backward ? &flow->ways[FLOW_BACKWARD] : &flow->ways[FLOW_FORWARD];
	other = backward ? &flow->ways[FLOW_FORWARD] : &flow->ways[FLOW_BACKWARD];
	bytes = packet->header - packet->network;
	if (!way->lengths.count) {
		way->hops = packet->hops;
		way->least_header = (__u16)bytes;
	}
	if (packet->key.protocol == PACKET_TCP) {
		flow_add_handshake(flow, packet->flags, backward, seen->time_us);
		flow_add_tcp(flow, way, packet);
	}
	flow_add_times(flow, way, seen->segments - 1, seen->time_us);
	flow_add_bulk(way, other, packet->payload, seen->segments, seen->time_us);
	flow_add_sizes(way, packet, seen);
	way->headers += (__u64)bytes * seen->segments;
	way->least_header = bytes < way->least_header ? (__u16)bytes : way->least_header;
	way->data_packets += packet->payload ? seen->segments : 0;
	way->last_us = seen->time_us;
	flow->last_us = seen->time_us;
}

/* Notes the beginning of the first payload. */
static __always_inline void flow_note_head(struct flow_state *flow, const __u8 *payload, __u32 bytes)
{
	if (flow->head_bytes)
		return;
	flow->head_bytes = bytes < FLOW_PAYLOAD_BYTES ? (__u8)bytes : FLOW_PAYLOAD_BYTES;
	for (__u32 i = 0; i < FLOW_PAYLOAD_BYTES; i++)
		flow->head[i] = i < flow->head_bytes ? payload[i] : 0;
}

/* Whether every direction that was seen has ended, or was reset. */
static __always_inline int flow_has_ended(const struct flow_state *flow)
{
	return flow->flags[2] || ((flow->ways[0].ended || !flow->ways[0].lengths.count) &&
				  (flow->ways[1].ended || !flow->ways[1].lengths.count));
}

/* Whether the packet is of another flow than this one, which had the same key before it. */
static __always_inline int flow_is_over(const struct flow_state *flow, const struct medulla_packet *packet,
					__u64 now_us, __u64 idle_us)
{
	__u64 gap = now_us > flow->last_us ? now_us - flow->last_us : 0;

	if (gap > idle_us)
		return 1;
	return flow_has_ended(flow) &&
	       (gap > FLOW_ENDED_US || (packet->flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN);
}

#endif /* MEDULLA_FLOW_STATE_H */
