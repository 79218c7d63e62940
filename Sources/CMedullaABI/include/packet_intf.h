/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What functions that keep a table of flows share with Swift, beside what every function shares. */
#ifndef MEDULLA_PACKET_INTF_H
#define MEDULLA_PACKET_INTF_H

#include "intf.h"
#include "packet_parse.h"

/* Where the sweep finds a flow that is kept. */
struct medulla_place {
	__u64 number; /* the flow's; 0: free, MEDULLA_PLACE_TAKEN: its flow is on its way into the table */
	struct medulla_flow_key key;
};

#define MEDULLA_PLACE_TAKEN (~0ULL)

/* Of the dispatcher, for as long as it is loaded. */
struct dispatch_options {
	__u32 turns; /* both directions of a flow are under one key (`medulla_turn`) */
};

/* Of programs that keep a table of flows, set before they are loaded. */
struct packet_options {
	__u32 flow_limit; /* entries of the table */
};

/* A place in medulla_counts.function. */
#define PACKET_UNPINNED 0 /* packets of flows for which the table had no room */

_Static_assert(PACKET_UNPINNED < MEDULLA_FUNCTION_COUNTERS, "the counter has room");

#endif /* MEDULLA_PACKET_INTF_H */
