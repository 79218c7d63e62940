/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What the demultiplexer in the kernel, the host of a chain and its network functions share: eBPF and C
 * include this file, Swift imports it, Python has its numbers from the library.
 */
#ifndef MEDULLA_NF_INTF_H
#define MEDULLA_NF_INTF_H

#include <linux/types.h>

#define NF_INTERFACE_VERSION 2

#define NF_FUNCTIONS 32 /* that take packets of one interface from the kernel */
#define NF_QUEUES 16	/* receive queues of an interface */
#define NF_SEATS (NF_FUNCTIONS * NF_QUEUES)
#define NF_RULES 64
#define NF_NO_FUNCTION 0xffffffffu

/*
 * Before each frame's first byte, in packet memory. The kernel's program writes it, and functions that may
 * only read the memory cannot: by it the host knows whom a frame was given to.
 */
struct nf_stamp {
	__u64 nanoseconds; /* CLOCK_MONOTONIC of when the frame was received; 0: not taken */
	__u64 sequence;	   /* of the seat's frames, from 1 */
	__u32 seat;	   /* function * NF_QUEUES + queue */
	__u32 epoch;	   /* of the seat: counts who has sat there */
	__u32 rule;
	__u32 length; /* bytes of the frame */
};

/* nf_seat.state */
#define NF_SEAT_EMPTY 0
#define NF_SEAT_TAKEN 1

/*
 * A function at one receive queue. What the kernel writes, what user space writes with every batch, and what
 * hardly changes lie in lines of their own. `delivered` - `returned` frames are out; with `quota` of them out
 * the next is not delivered.
 */
struct nf_seat {
	/* Written by the kernel's program. */
	__u64 delivered;
	__u64 allowed;	  /* so many may be delivered by what `returned` was when it was read last */
	__u64 over_quota; /* not delivered, because the quota was out */
	__u64 absent;	  /* not delivered, because nobody sits here */
	__u64 kernel_reserved[4];
	/* Written by the host when a function comes or goes. A chain's quotas stay. */
	__u32 quota;
	__u32 epoch;
	__u32 state;
	__u32 fallback; /* an XDP action: what becomes of what is not delivered */
	__u64 host_reserved[6];
	/* Written by the host whenever frames come back. */
	__u64 returned; /* what came back, and what the kernel could not deliver after all */
	__u64 returned_reserved[7];
};

/* nf_rule.fields: which fields must match */
#define NF_MATCH_ETHERTYPE 0x01u
#define NF_MATCH_VLAN 0x02u
#define NF_MATCH_PROTOCOL 0x04u
#define NF_MATCH_SOURCE 0x08u
#define NF_MATCH_DESTINATION 0x10u
#define NF_MATCH_SOURCE_PORT 0x20u
#define NF_MATCH_DESTINATION_PORT 0x40u
#define NF_MATCH_CLASS 0x80u
#define NF_MATCH_FLOW                                                                                       \
	(NF_MATCH_PROTOCOL | NF_MATCH_SOURCE | NF_MATCH_DESTINATION | NF_MATCH_SOURCE_PORT |               \
	 NF_MATCH_DESTINATION_PORT)

/* The first rule that matches a frame says whose it is; a frame that none matches is the kernel's. */
struct nf_rule {
	__u32 fields;
	__u32 function; /* NF_NO_FUNCTION: the kernel's own */
	__u16 ethertype; /* behind VLAN tags; host order, as all here but addresses */
	__u16 vlan;	 /* of the outer tag, 0 to 4095; NF_NO_VLAN: no tag */
	__u8 protocol;
	__u8 version; /* of the addresses: 4 or 6 */
	__u8 reserved[2];
	__u8 source[16];
	__u8 source_mask[16];
	__u8 destination[16];
	__u8 destination_mask[16];
	__u16 source_ports[2]; /* the first and the last */
	__u16 destination_ports[2];
	__u32 row; /* of the class that the kernel's classifier has decided for the flow */
	__u32 reserved2;
};

#define NF_NO_VLAN 0xffffu
#define NF_NO_ROW 0xffffffffu	/* the flow is not decided, or not known */
#define NF_GONE_ROW 0xfffffffeu /* of a class that the classifier does not have: no flow's */

/* Set before the program is loaded. */
struct nf_constants {
	__u32 rule_count;
	__u32 takes_time; /* stamps say when */
	/* Where an entry of the classifier's table (`nf_flows`) has its row plus one and the time of its last
	 * packet; 0: no rule asks for classes, and nothing is looked up. */
	__u32 row_offset;
	__u32 seen_offset;
	__u32 fields; /* that any rule looks at */
	__u32 reserved;
	struct nf_rule rules[NF_RULES];
};

/* Counts of all frames that the demultiplexer saw; nf_counts[cause]. */
enum nf_cause {
	NF_DELIVERED,
	NF_UNMATCHED,  /* no rule matched: the kernel's */
	NF_MALFORMED,  /* no rule could match, since the headers cannot be read */
	NF_NOT_TAKEN,  /* matched, and over quota or nobody there */
	NF_UNSTAMPED,  /* matched, and there was no room for a stamp */
	NF_CAUSES,
};

#ifdef __STDC_VERSION__
#if __STDC_VERSION__ >= 201112L
_Static_assert(sizeof(struct nf_stamp) == 32, "stamp layout");
_Static_assert(sizeof(struct nf_seat) == 192, "seat layout");
_Static_assert(sizeof(struct nf_rule) == 96, "rule layout");
#endif
#endif

#endif /* MEDULLA_NF_INTF_H */
