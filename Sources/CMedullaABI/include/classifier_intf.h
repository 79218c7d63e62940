/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What the classifier shares with Swift, beside what every function at an interface shares. */
#ifndef MEDULLA_CLASSIFIER_INTF_H
#define MEDULLA_CLASSIFIER_INTF_H

#include "flow_state.h"
#include "packet_intf.h"

#define CLASSIFIER_CLASSES 64			      /* that a network may tell apart, at most */
#define CLASSIFIER_UNSURE CLASSIFIER_CLASSES	      /* the row of flows with too small a margin */
#define CLASSIFIER_PENDING (CLASSIFIER_CLASSES + 1) /* and of those that are not decided yet */
#define CLASSIFIER_ROWS (CLASSIFIER_CLASSES + 2)

/* classifier_rule.action */
#define CLASSIFIER_COUNT 0
#define CLASSIFIER_MARK 1
#define CLASSIFIER_DROP 2
#define CLASSIFIER_LIMIT 3
#define CLASSIFIER_REDIRECT 4
#define CLASSIFIER_MIRROR 5

/* What is done with the packets of one row's flows. */
struct classifier_rule {
	__u32 action;
	__u32 value;	   /* the mark, or the index of the interface */
	__u64 byte_ps;	   /* picoseconds that one byte takes at the limit */
	__u64 burst_ns;	   /* at the limit, that may be sent at once */
};

/* Written by user space when the programs are loaded. */
struct classifier_settings {
	__u64 moment; /* the number of a packet, FLOW_EVERY_PACKET or FLOW_AT_END */
	__s64 margin;  /* in the outputs' fixed point: below it a flow is unsure */
	struct classifier_rule rules[CLASSIFIER_ROWS];
};

/* One for each row and processor. */
struct classifier_counts {
	__u64 flows; /* that were decided so; with a decision at every packet, how often one became so */
	__u64 packets; /* and bytes of frames, as they are on the wire */
	__u64 bytes;
	__u64 dropped; /* packets, by the rule */
	__u64 mirrored;
	__u64 mirrors_lost; /* there was no room in the ring */
	__u64 answered; /* flows that user space has put into this class */
};

/* What the classifier keeps of a flow, after its measures. */
struct classifier_flow {
	__u64 row; /* plus one; 0: not decided yet */
	__s64 margin;
};

/* What an entry of its table begins with; what follows depends on the network. */
struct classifier_entry {
	struct medulla_flow_head head;
	struct flow_state state;
	struct classifier_flow own;
};

#define CLASSIFIER_MIRROR_BYTES 256
#define CLASSIFIER_RING_BYTES (1 << 20)

/* A packet that a rule mirrors: what user space reads. */
struct classifier_mirrored {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 flow;
	__s64 margin;
	__u32 row;
	__u32 length;	/* bytes of the frame */
	__u32 captured; /* of them */
	__u32 reserved;
	__u8 bytes[CLASSIFIER_MIRROR_BYTES];
};

#define CLASSIFIER_ANSWERS 16384 /* that are kept of user space's, at most; the oldest go */

/* The words of a sample's outcomes, in their order. */
enum classifier_outcome {
	CLASSIFIER_OUTCOME_CLASS, /* the row */
	CLASSIFIER_OUTCOME_MARGIN,
	CLASSIFIER_OUTCOME_PACKETS,
	CLASSIFIER_OUTCOME_BYTES,
	CLASSIFIER_OUTCOME_SOURCE,	/* the last eight bytes of the flow's addresses, or all four; */
	CLASSIFIER_OUTCOME_DESTINATION, /* of the first packet's direction */
	CLASSIFIER_OUTCOME_PORTS,	/* both ports, protocol, IP: 16, 16, 8, 8 bits from the top */
	CLASSIFIER_OUTCOME_SOURCE_PREFIX, /* the first eight bytes of IPv6's addresses; 0 for IPv4 */
	CLASSIFIER_OUTCOME_DESTINATION_PREFIX,
	CLASSIFIER_OUTCOMES
};

_Static_assert(CLASSIFIER_OUTCOMES <= MEDULLA_OUTCOMES, "a sample has room for them");
_Static_assert(sizeof(struct classifier_rule) == 24, "rule layout");
_Static_assert(sizeof(struct classifier_mirrored) == 40 + CLASSIFIER_MIRROR_BYTES, "mirror layout");

#endif /* MEDULLA_CLASSIFIER_INTF_H */
