/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What flow scheduling shares with Swift, beside what every function at an interface shares. */
#ifndef MEDULLA_SCHEDULING_INTF_H
#define MEDULLA_SCHEDULING_INTF_H

#include "packet_intf.h"

#define SCHEDULING_BANDS 8
#define SCHEDULING_NO_MARK 0xffu /* of a band's DSCP: it is left as it is */

/* Written by user space when the programs are loaded. */
struct scheduling_settings {
	__u64 moment;		/* the number of a packet, FLOW_EVERY_PACKET or FLOW_AT_END */
	__u32 bands;		/* 1 to SCHEDULING_BANDS */
	__u32 first_priority;	/* skb->priority of the first band; 0: it is left as it is */
	__u32 demotes;		/* whether a flow leaves a band when it has sent more than the band holds */
	__u32 reserved;
	__u64 limits[SCHEDULING_BANDS];	     /* bytes of a band's flows, at most; the last has no limit */
	__s64 limits_log2[SCHEDULING_BANDS]; /* log2(1 + limit) in the outputs' fixed point */
	__u8 marks[SCHEDULING_BANDS];	     /* DSCP */
};

/* One for each band and processor. */
struct scheduling_counts {
	__u64 flows; /* that were predicted to be of the band */
	__u64 packets; /* and bytes that were sent in it, as they are on the wire */
	__u64 bytes;
	__u64 demoted; /* flows that had sent more than it holds, and left it */
	__u64 ended;   /* of `flows`, those that have ended */
	__u64 right;   /* and of these, those that were of the band by their size */
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
_Static_assert(sizeof(struct scheduling_settings) == 168 - 8, "settings layout");
_Static_assert(sizeof(struct scheduling_counts) == 48, "counts layout");

#endif /* MEDULLA_SCHEDULING_INTF_H */
