/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What flow scheduling shares with Swift, beside what every function at an interface shares. */
#ifndef MEDULLA_SCHEDULING_INTF_H
#define MEDULLA_SCHEDULING_INTF_H

#include "packet_intf.h"

#define SCHEDULING_BANDS 8
#define SCHEDULING_NO_MARK 0xffu /* of a band's DSCP: it is left as it is */

#define SCHEDULING_BINS 256 /* of sizes: four to a power of two */
#define SCHEDULING_LEARNS_EVERY 64 /* flows that have ended, after which limits are learned anew */
#define SCHEDULING_MEMORY 4096 /* flows after which what is known of sizes is by halves forgotten */

/* Written by user space when the programs are loaded; limits that are learned by the programs too. */
struct scheduling_settings {
	__u64 moment;		/* the number of a packet, FLOW_EVERY_PACKET or FLOW_AT_END */
	__u32 bands;		/* 1 to SCHEDULING_BANDS */
	__u32 first_priority;	/* skb->priority of the first band; 0: it is left as it is */
	__u32 demotes;		/* whether a flow leaves a band when it has sent more than the band holds */
	__u32 learns;		/* limits are quantiles of the sizes of flows that have ended */
	__u64 limits[SCHEDULING_BANDS];	     /* bytes of a band's flows, at most; the last has no limit */
	__s64 limits_log2[SCHEDULING_BANDS]; /* log2(1 + limit) in the outputs' fixed point */
	__u32 shares[SCHEDULING_BANDS];	     /* millionths of the flows that are in the band or before it */
	__u8 marks[SCHEDULING_BANDS];	     /* DSCP */
	__u64 byte_ps;	/* of admission: picoseconds of a byte on the link; 0: all is admitted */
	__u64 room;	/* bytes that may wait in one band */
};

/* Sizes of flows that have ended. */
struct scheduling_sizes {
	__u64 ended;
	__u64 counts[SCHEDULING_BINS]; /* by log2(1 + bytes) with two fraction bits */
};

/* One for each band and processor. */
struct scheduling_counts {
	__u64 flows; /* that were predicted to be of the band */
	__u64 packets; /* and bytes that were sent in it, as they are on the wire */
	__u64 bytes;
	__u64 demoted; /* flows that had sent more than it holds, and left it */
	__u64 ended;   /* of `flows`, those that have ended */
	__u64 right;   /* and of these, those that were of the band by their size */
	__u64 refused; /* packets that were not admitted, of flows of the band */
};

#define SCHEDULING_RANKS 64 /* of packets: powers of two of their flows' sizes */
#define SCHEDULING_RANK_MEMORY 1024 /* packets after which their ranks are by halves forgotten */
#define SCHEDULING_SLACK_NUMERATOR 10 /* 1 / (1 - k) with PACKS' allowance for bursts, k = 0.1 */
#define SCHEDULING_SLACK_DENOMINATOR 9

/* What waits for the link, as far as arrivals and its rate say, and of what ranks packets were lately. */
struct scheduling_queue {
	__u64 last_ns;
	__u64 waiting[SCHEDULING_BANDS]; /* bytes */
	__u32 ranks[SCHEDULING_RANKS];
	__u32 packets; /* sum of ranks */
	__u32 reserved;
};

/* The words of a sample's outcomes, in their order. */
enum scheduling_outcome {
	SCHEDULING_OUTCOME_SIZE, /* log2(1 + bytes) in the outputs' fixed point: what should have been said */
	SCHEDULING_OUTCOME_BYTES,
	SCHEDULING_OUTCOME_PACKETS,
	SCHEDULING_OUTCOME_DURATION, /* microseconds */
	SCHEDULING_OUTCOME_BAND,     /* that was predicted */
	SCHEDULING_OUTCOMES
};

_Static_assert(SCHEDULING_OUTCOMES <= MEDULLA_OUTCOMES, "a sample has room for them");
_Static_assert(sizeof(struct scheduling_settings) == 208, "settings layout");
_Static_assert(sizeof(struct scheduling_counts) == 56, "counts layout");

#endif /* MEDULLA_SCHEDULING_INTF_H */
