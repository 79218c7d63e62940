/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Layouts that the programs of every function and user space share: eBPF includes this file, Swift imports
 * it. Nothing here is of one function; what a function shares with its own Swift is in a header of its own.
 */
#ifndef MEDULLA_INTF_H
#define MEDULLA_INTF_H

#include <linux/types.h>

#define MEDULLA_INTERFACE_VERSION 4
#define MEDULLA_SLOTS 8
#define MEDULLA_NO_SLOT 0xffffffffu
#define MEDULLA_GENERATIONS 16 /* rows of what is kept by program set: number modulo this */
#define MEDULLA_PINS (MEDULLA_GENERATIONS * MEDULLA_SLOTS)
#define MEDULLA_PIN_BITS 8 /* of a flow's word; above them is the flow's number, or nothing */
#define MEDULLA_PIN_MASK ((1u << MEDULLA_PIN_BITS) - 1)
#define MEDULLA_NO_PIN 0xffu /* the flow has ended, or is not kept */
#define MEDULLA_LET_GO 0xfeu /* its program set has let the flow go; the current one takes it */
#define MEDULLA_WORKSPACES 4
#define MEDULLA_REQUEST_BYTES (1 << 18) /* ring of the round-trip benchmark */
#define MEDULLA_SAMPLE_BYTES (1 << 21)	/* ring of samples, unless the attachment sets another */
#define MEDULLA_OUTCOMES 10
#define MEDULLA_FUNCTION_COUNTERS 4 /* counters that mean what the function says */

/* medulla_control.options */
#define MEDULLA_MEASURE 1u /* take the time of each inference */
#define MEDULLA_RETIRED 2u /* its flows leave this program set, each at its next packet */
#define MEDULLA_FOLLOW 4u  /* no flow consistency: every flow takes the active slot at its next packet */
#define MEDULLA_ALONE 8u   /* of a route only: no other program set has flows */

/* medulla_slot.flags */
#define MEDULLA_SLOT_MOVE 1u /* its flows go to the active slot */

/* Written by user space; programs only read `flags`. */
struct medulla_slot {
	__u64 version;	  /* 0: empty */
	__u64 loaded_ns;  /* CLOCK_MONOTONIC */
	__u64 retired_ns; /* CLOCK_MONOTONIC of when it was last active; 0: never left */
	__u32 flags;
	__u32 reserved;
	__u8 digest[32];
	char name[32];
};

/* Written by user space, read by programs; one store of `active` is a swap. */
struct medulla_control {
	__u32 interface_version;
	__u32 active;
	__u32 options;
	__u32 previous;		   /* what a rollback makes active; MEDULLA_NO_SLOT: nothing */
	__u32 previous_generation; /* the program set that `previous` is a slot of */
	__u32 staged;		   /* the candidate's slot in this set; MEDULLA_NO_SLOT: none */
	__u32 sample_every;	   /* every n-th decision of a flow goes up as a sample; 0: none */
	__u32 shadow_every;	   /* on every n-th the staged snapshot infers too; 0: never */
	__u32 inputs;
	__u32 outputs;
	__u32 feature_fraction_bits;
	__u32 output_fraction_bits;
	__u64 next_version;
	__u64 drain_limit_ns; /* 0: flows stay as long as they live */
	__u64 attached_ns;    /* CLOCK_MONOTONIC */
	__u64 left_ns;	      /* when another program set took the name; 0: this one has it */
	__u32 first_pin;      /* of this program set's slots; the pin of slot n is first_pin + n */
	__u32 reserved;
	__u8 shape[32];	      /* SHA-256 of the shape's header */
	struct medulla_slot slots[MEDULLA_SLOTS];
};

/*
 * One for each pin and processor; written by programs only, shared by all program sets of an instance. A pin
 * is a slot of a program set: the set's row times MEDULLA_SLOTS, plus the slot.
 *
 * Every flow has at most one pin, and the sum of `held` over the processors, modulo 2^64, is how many flows
 * have it: one may take a pin on one processor and give it back on another. Whoever changes a flow's pin, by
 * one atomic exchange, moves the counts right after it, so each flow is counted once whoever comes first;
 * between the two steps `held` is off by the flows that are on their way. User space adds up one processor
 * after the other: while flows come it may miss one that came and see another that went. A slot or a program
 * set is therefore given up only a while after it was last taken, when flows can only leave. A row is given
 * to another program set only when all its `held` are 0.
 */
struct medulla_flows {
	__u64 held;  /* flows that are on the slot now */
	__u64 taken; /* flows that ever took it */
	__u64 moved; /* flows that were moved away */
};

/* One for each slot and processor, written by programs only. */
struct medulla_counts {
	__u64 inferences;
	__u64 decisions; /* inferences whose output was applied */
	__u64 contended;  /* inferences put off because every workspace was taken */
	__u64 measured;   /* inferences timed, with MEDULLA_MEASURE */
	__u64 measured_ns;
	__u64 measured_min_ns;
	__u64 measured_max_ns;
	__u64 samples;		 /* sent up */
	__u64 samples_dropped;	 /* not sent up because the ring was full */
	__u64 shadow_inferences; /* of this slot's snapshot beside the active one */
	__u64 shadow_sum;	 /* of the largest |difference| of each such decision's outputs */
	__u64 shadow_max;
	__u64 function[MEDULLA_FUNCTION_COUNTERS];
};

/* One for each processor; shared by all program sets of an instance and, unlike `medulla_counts`, never
 * reset. */
struct medulla_totals {
	__u64 samples;
	__u64 samples_dropped;
	__u64 orphaned; /* packets of flows whose program set was gone: the current one served them */
	__u64 flows;	/* that began on the processor: part of their numbers */
};

/* Of the instance, for all its program sets. */
struct medulla_shared {
	/* Where a dispatcher sends packets, written by user space in one store: the number of the program set
	 * that new flows go to in the low half, MEDULLA_FOLLOW or MEDULLA_ALONE in the high half. */
	__u64 route;
	/* Written by user space only, by pin: flows that are on its count and nowhere else. A recount found
	 * them; they are taken off what `held` says. */
	__s64 lost[MEDULLA_PINS];
};

/* medulla_sample_header.flags */
#define MEDULLA_SAMPLE_VALID 1u	 /* the record is complete */
#define MEDULLA_SAMPLE_SHADOW 2u /* the shadow's outputs are there */

#define MEDULLA_FLOW_NUMBER_BITS 40 /* of a flow's number; above them is the processor */
#define MEDULLA_SAMPLE_NUMBER_BITS 48 /* of a sample's id; above them is the processor */

/*
 * A sample says its own sizes, so that the samples of all program sets share one ring. Words follow:
 * features, outputs, the shadow's outputs, and MEDULLA_OUTCOMES outcomes, of which the first `outcomes`
 * count.
 */
struct medulla_sample_header {
	__u64 id;      /* the instance's own, never given twice; a late label or outcome names it */
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 flow;
	__u64 version;
	__u32 slot;
	__u32 flags;
	__u16 inputs;
	__u16 outputs;
	__u16 outcomes;
	__u16 reserved;
};

/* What the loader reads of a user's own function before it loads it (`MEDULLA_FUNCTION`). */
struct medulla_registration {
	__u32 interface_version;
	__u32 inputs;
	__u32 outputs;
	__u32 reserved;
	char name[48];
};

/*
 * What a flow of a function's table begins with, whatever network decides for it: the function's own memory
 * follows (`struct medulla_flow`). For programs that read a table of another's.
 */
struct medulla_flow_head {
	__u64 pin;
	__u64 number;
	__u64 last_ns;
	__u64 decisions;
	__u64 decided;
	__u32 place;
	__u32 ended;
};

/* A request of the round-trip benchmark. */
struct medulla_request {
	__u64 sent_ns;
	__u64 sequence;
};

_Static_assert(MEDULLA_PINS <= MEDULLA_LET_GO, "a pin is none of the words for no pin");
_Static_assert(sizeof(struct medulla_slot) == 96, "slot layout");
_Static_assert(sizeof(struct medulla_control) == 888, "control layout");
_Static_assert(sizeof(struct medulla_flows) == 24, "flows layout");
_Static_assert(sizeof(struct medulla_counts) == 128, "counts layout");
_Static_assert(sizeof(struct medulla_sample_header) == 48, "sample layout");
_Static_assert(sizeof(struct medulla_registration) == 64, "registration layout");

#endif /* MEDULLA_INTF_H */
