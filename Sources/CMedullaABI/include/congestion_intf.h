/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What the congestion control's programs share with its Swift, beside what every function shares. */
#ifndef MEDULLA_CONGESTION_INTF_H
#define MEDULLA_CONGESTION_INTF_H

#include "congestion_state.h"
#include "intf.h"

#define CONGESTION_NAME_BYTES 16 /* TCP_CA_NAME_MAX */

/* Places in medulla_counts.function. */
#define CONGESTION_GUARD_EVENTS 0
#define CONGESTION_TIMEOUTS 1
#define CONGESTION_STATELESS 2 /* ACKs without memory for the flow's state */
#define CONGESTION_RIVALS 3    /* times that a flow began to believe in a rival */

/* Of a program set; written by user space, read by programs. */
struct congestion_settings {
	struct mcc_config controller;
	/* TCP's name of where flows go: the instance's own, or, once it is detached, what was there before.
	 * It is complete before MEDULLA_RETIRED is set. */
	char successor[CONGESTION_NAME_BYTES];
};

/* One live flow, as an iterator over the flows' memory writes it. */
struct congestion_flow_record {
	__u32 slot;
	__u32 phase;
	__u64 rate; /* bytes/s */
	__u32 window;
	__u32 min_rtt_us;
	__u32 decisions;
	__u32 guard_events;
	__s64 action;	/* the last output of the network, q16 */
	__u32 explains; /* 1: `features` are what `action` was inferred from */
	__s32 features[MCC_FEATURES]; /* q16 */
	__u32 rival;	/* 1: the flow believes in one */
};

_Static_assert(sizeof(struct congestion_settings) == 96, "settings layout");
_Static_assert(sizeof(struct congestion_flow_record) == 248, "flow record layout");
_Static_assert(CONGESTION_RIVALS < MEDULLA_FUNCTION_COUNTERS, "the counters have room");

#endif /* MEDULLA_CONGESTION_INTF_H */
