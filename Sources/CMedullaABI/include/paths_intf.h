/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What path selection shares with Swift, beside what every function at an interface shares. */
#ifndef MEDULLA_PATHS_INTF_H
#define MEDULLA_PATHS_INTF_H

#include "packet_intf.h"

#define PATHS_LIMIT 8	  /* paths of an instance */
#define PATHS_SEGMENTS 3  /* of an SRv6 path, its end included */
#define PATHS_MARGIN_MS 10 /* beyond a round trip, that a silent path is waited for */
#define PATHS_FIRST_BACK_OFF_MS 10 /* of a path that is left: until it is tried again */
#define PATHS_LAST_BACK_OFF_MS 1000
#define PATHS_DECAY_US 10000 /* half of the recent bytes are forgotten in as long */

/* How packets come onto a path. */
enum path_kind {
	PATH_AS_ROUTED, /* as the routing table has it */
	PATH_NEIGHBOUR, /* out of a device, to a next hop or, without one, to the destination itself */
	PATH_DEVICE,	/* out of a device without neighbours, such as a tunnel */
	PATH_IPIP,	/* in an outer IPv4 header */
	PATH_SRV6	/* in an outer IPv6 header with a segment routing header (RFC 8754) */
};

/* A path as it is enforced; addresses of IPv4 are in the first four bytes. */
struct path_way {
	__u32 kind;
	__u32 interface; /* index */
	__u32 mtu;	 /* of the device; 0: not looked at */
	__u8 hop_version; /* 4 or 6, of the next hop; 0: none */
	__u8 segment_count;
	__u16 reserved;
	__u8 hop[16];
	__u8 source[16];
	__u8 segments[PATHS_SEGMENTS][16]; /* in their order; of IPIP the first alone */
};

/* Written by user space when the programs are loaded. */
struct paths_settings {
	__u32 count;	 /* 1 to PATHS_LIMIT */
	__u32 tag;	 /* of packets that were steered and come by again */
	__s64 margin;	 /* costs that are as good as the least one, in the outputs' fixed point */
	__u64 gap_ns;	 /* a flow that paused for longer may take another path; 0: never */
	__u32 explores;	 /* one of so many flows takes any path; 0: none */
	__u32 reserved;
	struct path_way ways[PATHS_LIMIT];
};

/* What is known of a path by all processors. */
struct path_state {
	__u64 rtt_us;	    /* smoothed round trip of our flows on it; 0: none was measured */
	__u64 delivered;    /* segments, of these the marked ones, and those that were sent and sent again: */
	__u64 marked;	    /* all four are halved together when `sent` passes PATHS_MEMORY */
	__u64 sent;
	__u64 repeated;
	__u64 bytes;	    /* that were sent lately, as of bytes_ns */
	__u64 bytes_ns;
	__u64 heard_ns;	    /* when something that was sent on it was last acknowledged; 0: never */
	__u64 silent_ns;    /* since when nothing comes back; 0: it lives, as far as we know */
	__u64 rest_until_ns; /* of a silent path: when it may be tried again */
	__u64 back_off_ns;
	__u64 flows;	    /* that are on it now */
};

/* One for each path and processor. */
struct path_counts {
	__u64 flows;	/* that were placed on it */
	__u64 packets;	/* that were sent on it, as segments on the wire, and their bytes */
	__u64 bytes;
	__u64 explored; /* of `flows`, those that took it to find out about it */
	__u64 hashed;	/* of `flows`, those that no network decided about */
	__u64 left;	/* flows that left it because nothing came back */
	__u64 deaths;	/* times that it was found to be silent */
	__u64 probes;	/* copies of packets that tried it again */
	__u64 revivals; /* times that it was found to live again */
	__u64 unfit; /* packets that it cannot carry, such as too long ones: they went as routed */
};

#define PATHS_MEMORY 4096 /* segments after which the shares of a path are by halves forgotten */

/* The words of a sample's outcomes, in their order. */
enum paths_outcome {
	PATHS_OUTCOME_COST, /* what should have been said of the path that was taken */
	PATHS_OUTCOME_PATH, /* which one that is, from 0 */
	PATHS_OUTCOME_RTT,  /* mean of its smoothed ones, or how long it waited in vain, microseconds */
	PATHS_OUTCOME_REPEATED, /* millionths of its segments that were sent again */
	PATHS_OUTCOME_MARKED,	/* millionths of the delivered that were marked */
	PATHS_OUTCOME_BYTES,
	PATHS_OUTCOME_DURATION, /* microseconds */
	PATHS_OUTCOMES
};

_Static_assert(PATHS_OUTCOMES <= MEDULLA_OUTCOMES, "a sample has room for them");
_Static_assert(sizeof(struct path_way) == 96, "way layout");
_Static_assert(sizeof(struct paths_settings) == 32 + 96 * PATHS_LIMIT, "settings layout");
_Static_assert(sizeof(struct path_state) == 96, "state layout");
_Static_assert(sizeof(struct path_counts) == 80, "counts layout");

#endif /* MEDULLA_PATHS_INTF_H */
