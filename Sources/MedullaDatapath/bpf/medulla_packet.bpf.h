/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flows of tc and XDP functions: a bounded table that keeps each flow on its snapshot. A flow leaves it with
 * its last TCP segment or when it has been idle; a full table serves a flow unpinned and counts it. No LRU
 * map: silent eviction would lose the slot's count of flows.
 *
 * The table is the instance's. Of a flow's word (`medulla_flow.pin`), its number and its pin:
 * - It begins with a pin of the program set that added the flow, and changes by atomic exchange only. The
 *   number never changes while the flow lives, and no two flows have the same.
 * - The dispatcher reads it and runs the program set that it names, or else the current one.
 * - A program set moves its own flows between its slots, and lets them go (MEDULLA_LET_GO) when it must be
 *   left; it never takes back what it has let go, unless it has become the current one again.
 * - A program set that is given another's flow, or one that was let go, and has the name takes it over. So a
 *   flow moves with its memory, one packet after it was let go, and a program set whose program is missing
 *   loses its flows to the current one.
 * - A flow that ends, by its last segment or by idleness, has MEDULLA_NO_PIN before it leaves the table, and
 *   nobody pins it again. Who put MEDULLA_NO_PIN there takes it off the count and out of the table.
 *
 * Memory of the table is used again at once, so whoever holds a flow may hold another by now. What is done by
 * the flow's word alone (following, letting go) is then done to that other flow, as it should. Ending needs
 * the key too: `medulla_end_flow` has the order, and a test goes through all ways in which it can be met.
 */
#ifndef MEDULLA_PACKET_BPF_H
#define MEDULLA_PACKET_BPF_H

#define MEDULLA_AT_PACKETS /* programs at tc and XDP alone include this */

#include "medulla.bpf.h"
#include "medulla_table.bpf.h"
#include "medulla_sweep.bpf.h"

/* For the functions that include this. */
#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

/* `bytes`, from 1 to `most`, a power of two, so that every verifier sees that it is: where the compiler makes
 * one comparison of two, that of Linux 6.12 learns nothing of it. */
#define MEDULLA_SIZE(bytes, most)                                                                           \
	({                                                                                                  \
		__u32 size = (bytes);                                                                       \
		MEDULLA_HOLD(size);                                                                         \
		((size - 1) & ((most) - 1)) + 1;                                                            \
	})

/* For a flow that is not kept, and for one on its way into the table: packets of one processor come one
 * after the other. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_flow);
} medulla_spare SEC(".maps");

#define MEDULLA_FLOW_PART (sizeof(struct medulla_flow) / 16 * 8)

/* Empty, but for the decisions that were made for flows that are not kept: without them each would be a
 * first decision, always shadowed and never sampled. */
static __always_inline struct medulla_flow *medulla_clear_spare(__u64 now)
{
	__u32 zero = 0;
	struct medulla_flow *flow = bpf_map_lookup_elem(&medulla_spare, &zero);
	__u64 decisions;

	if (!flow)
		return 0;
	decisions = flow->decisions;
	/* In parts: the compiler writes at most a kilobyte of zeros in place. */
	__builtin_memset(flow, 0, MEDULLA_FLOW_PART);
	MEDULLA_HOLD(flow);
	__builtin_memset(__builtin_assume_aligned((char *)flow + MEDULLA_FLOW_PART, 8), 0,
			 sizeof(*flow) - MEDULLA_FLOW_PART);
	flow->decisions = decisions;
	flow->last_ns = now;
	return flow;
}

static __always_inline struct medulla_flow *medulla_spare_flow(__u64 now)
{
	struct medulla_flow *flow = medulla_clear_spare(now);

	if (!flow || !medulla_get_control())
		return 0;
	/* On no count, so that nothing moves it. */
	flow->pin = MEDULLA_NO_PIN;
	return flow;
}

/* Adds a flow to the table; 0 when there is no room, which is counted. */
static __noinline struct medulla_flow *medulla_add_flow(const struct medulla_flow_key *key, __u64 now)
{
	struct medulla_flow *fresh = medulla_clear_spare(now);
	struct medulla_counts *counts;
	struct medulla_flow *flow;
	__u32 pin = fresh ? medulla_take_pin() : MEDULLA_NO_PIN;
	__u64 word, decisions;
	long status = -1;
	__u32 place;

	if (!fresh || pin >= MEDULLA_PINS)
		return 0;
	decisions = fresh->decisions;
	fresh->decisions = 0;
	fresh->number = medulla_new_flow();
	word = fresh->number << MEDULLA_PIN_BITS | pin;
	place = medulla_take_place(fresh->number);
	fresh->pin = word;
	fresh->place = place;
	if (place < MEDULLA_PLACES)
		status = bpf_map_update_elem(&medulla_table, key, fresh, BPF_NOEXIST);
	if (!status)
		medulla_fill_place(place, fresh->number, key);
	fresh->decisions = decisions;
	/* A full table needs it most. */
	medulla_start_sweeping();
	if (!status)
		return bpf_map_lookup_elem(&medulla_table, key);
	medulla_free_place(place, MEDULLA_PLACE_TAKEN);
	medulla_release_pin(word);
	/* Another processor may have added it. */
	flow = bpf_map_lookup_elem(&medulla_table, key);
	counts = medulla_get_counts(pin % MEDULLA_SLOTS);
	if (!flow && counts)
		medulla_count(&counts->function[PACKET_UNPINNED], 1);
	return flow;
}

/* Lets a flow go, or takes it over, as this program set is to be left or has the name; see above. */
__noinline int medulla_settle_flow(struct medulla_flow *flow, __u64 now)
{
	const struct medulla_control *control = medulla_get_control();
	__u32 active;
	__u64 word;

	if (!flow || !control)
		return 0;
	word = *(volatile __u64 *)&flow->pin;
	active = medulla_active_slot(control);
	if (medulla_own_slot(control, word) < MEDULLA_SLOTS) {
		if (medulla_must_leave(control, now))
			medulla_move_pin(&flow->pin, word, MEDULLA_LET_GO);
		return 0;
	}
	if (medulla_pin_of(word) == MEDULLA_NO_PIN || active >= MEDULLA_SLOTS || control->left_ns ||
	    medulla_must_leave(control, now) ||
	    !medulla_move_pin(&flow->pin, word, control->first_pin + active))
		return 0;
	/* Of this set's slots none made the flow's last decision. */
	flow->last.slot = MEDULLA_NO_SLOT;
	medulla_start_sweeping();
	return 1;
}

/* The flow that the packet's key leads to, when it is looked up already; 0: to none. */
static __always_inline struct medulla_flow *
medulla_take_found(const struct medulla_packet *packet, struct medulla_flow *flow, __u64 now)
{
	const struct medulla_control *control = medulla_get_control();

	if (!flow && packet->begins)
		flow = medulla_add_flow(&packet->key, now);
	if (!flow)
		return medulla_spare_flow(now);
	if (control &&
	    (medulla_own_slot(control, flow->pin) >= MEDULLA_SLOTS || medulla_must_leave(control, now)))
		medulla_settle_flow(flow, now);
	return flow;
}

/*
 * The packet's flow, kept on the snapshot that was active when it began. A flow that is not kept (the table
 * is full, or the packet is a bare segment of no flow) is served by the active snapshot and remembers
 * nothing. 0 only when nothing is loaded.
 */
static __always_inline struct medulla_flow *medulla_take_flow(const struct medulla_packet *packet)
{
	return medulla_take_found(packet, bpf_map_lookup_elem(&medulla_table, &packet->key),
				  bpf_ktime_get_ns());
}

/* A reset ends the other direction too, which will send nothing of its own any more. */
static __noinline int medulla_end_reverse(const struct medulla_packet *packet)
{
	struct medulla_flow_key reverse = packet->key;
	struct medulla_flow *flow;

	__builtin_memcpy(reverse.source, packet->key.destination, sizeof(reverse.source));
	__builtin_memcpy(reverse.destination, packet->key.source, sizeof(reverse.destination));
	reverse.source_port = packet->key.destination_port;
	reverse.destination_port = packet->key.source_port;
	flow = bpf_map_lookup_elem(&medulla_table, &reverse);
	if (!flow)
		return 0;
	return medulla_end_flow(&reverse, flow, 0);
}

/* After the function's own work on the packet: notes its time, and lets a flow go that the packet ends. */
static __always_inline void medulla_leave_flow(const struct medulla_packet *packet, struct medulla_flow *flow)
{
	flow->last_ns = bpf_ktime_get_ns();
	if (packet->resets)
		medulla_end_reverse(packet);
	if (!packet->ends || !flow->number)
		return;
	medulla_end_flow(&packet->key, flow, 0);
}

#endif /* MEDULLA_PACKET_BPF_H */
