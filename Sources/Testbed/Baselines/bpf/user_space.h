/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What the congestion control whose inference is in user space tells its agent, and what it is told. The
 * agents and `UserSpaceLayout` state the same sizes and offsets.
 */
#ifndef MEDULLA_USER_SPACE_H
#define MEDULLA_USER_SPACE_H

#include <linux/types.h>

#define USER_SPACE_FEATURES 50
#define USER_SPACE_RING_BYTES (1 << 20)
#define USER_SPACE_PLACES 4096		/* flows that can have answers at a time */
#define USER_SPACE_PLACE_TRIES 16	/* places that a new flow looks at for a free one */
#define USER_SPACE_NO_PLACE 0xffffffffu

#define USER_SPACE_ACTION_MAX 0x7fffff
#define USER_SPACE_VERDICT_MAX 127
#define USER_SPACE_NO_VERDICT (-128)

/* user_space_settings.wakeup: BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP, or 0 for when the reader waits. */
struct user_space_settings {
	__u32 every_us; /* the least time between two reports of a flow; 0: every acknowledgement */
	__u32 wakeup;
	__u32 only_due; /* 1: report only what the network is to decide about */
	__u32 holds;	/* 1: rate and window change only when an interval ends or an answer is there */
};

/*
 * A decision of a flow: which of those that were due it is (24 bits), under 8 bits of the flow's number, so
 * that an answer to the place's previous flow is not taken.
 */
struct user_space_report {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 place;
	__u32 decision;
	__s32 features[USER_SPACE_FEATURES]; /* q16, as the kernel's own network gets them */
};

/*
 * One word, so that it is read and written whole: the decision above; below it the action (24 bits, q16) and
 * the verdict (8 bits, sixteenths; USER_SPACE_NO_VERDICT of a network of one output).
 */
struct user_space_answer {
	__u64 word;
};

/* One for each processor. */
struct user_space_counts {
	__u64 acknowledgements;
	__u64 reports;
	__u64 dropped;	 /* reports for which the ring had no room */
	__u64 due;	 /* decisions that the controller asked the network for */
	__u64 decisions; /* answers that were acted on */
	__u64 unserved;	 /* flows that got no place */
};

_Static_assert(sizeof(struct user_space_settings) == 16, "settings layout");
_Static_assert(sizeof(struct user_space_report) == 216, "report layout");
_Static_assert(sizeof(struct user_space_answer) == 8, "answer layout");
_Static_assert(sizeof(struct user_space_counts) == 48, "counts layout");

#endif /* MEDULLA_USER_SPACE_H */
