/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flows of tc and XDP functions: a bounded table that keeps each flow on its snapshot. A flow leaves it with
 * its last TCP segment or when it has been idle; a full table serves a flow unpinned and counts it. No LRU
 * map: silent eviction would lose the slot's count of flows.
 *
 * The table is the instance's. Of a flow's pin (`medulla_flow.pin`):
 * - It begins as a pin of the program set that added the flow, and changes by atomic exchange only.
 * - The dispatcher reads it and runs the program set that it names, or else the current one.
 * - A program set moves its own flows between its slots, and lets them go (MEDULLA_LET_GO) when it must be
 *   left; it never takes back what it has let go, unless it has become the current one again.
 * - A program set that is given another's flow, or one that was let go, and has the name takes it over. So a
 *   flow moves with its memory, one packet after it was let go, and a program set whose program is missing
 *   loses its flows to the current one.
 * - A flow that ends, by its last segment or by idleness, has MEDULLA_NO_PIN before it leaves the table, and
 *   nobody pins it again: a processor that still holds it would count it on memory that is another flow's.
 * Who
 *   put MEDULLA_NO_PIN there takes it off the count and out of the table.
 */
#ifndef MEDULLA_PACKET_BPF_H
#define MEDULLA_PACKET_BPF_H

#include "medulla.bpf.h"
#include "medulla_parse.bpf.h"
#include "packet_intf.h"

#ifndef MEDULLA_FLOW_LIMIT
#define MEDULLA_FLOW_LIMIT 16384 /* flows that are kept at once */
#endif
#ifndef MEDULLA_FLOW_IDLE_NS
#define MEDULLA_FLOW_IDLE_NS 60000000000ULL /* without a packet for so long a flow is over */
#endif
#define MEDULLA_SWEEP_NS (MEDULLA_FLOW_IDLE_NS / 4)
#define MEDULLA_CLOCK_MONOTONIC 1
#define MEDULLA_TIMER_EXISTS 16 /* EBUSY */

struct medulla_sweeper {
	struct bpf_timer timer;
	__u32 started;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MEDULLA_FLOW_LIMIT);
	__type(key, struct medulla_flow_key);
	__type(value, struct medulla_flow);
} medulla_table SEC(".maps");

/* For a flow that is not kept. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_flow);
} medulla_spare SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_sweeper);
} medulla_sweepers SEC(".maps");

/*
 * The flow has ended: off its pin's count, and out of the table. Only who takes the pin out does both, so
 * that nobody takes out a flow of the same key that began since. 1: it was this caller.
 */
static __always_inline int medulla_end_flow(const struct medulla_flow_key *key, struct medulla_flow *flow)
{
	__u32 pin = __sync_lock_test_and_set(&flow->pin, MEDULLA_NO_PIN);

	if (pin == MEDULLA_NO_PIN)
		return 0;
	medulla_release_pin(pin);
	bpf_map_delete_elem(&medulla_table, key);
	return 1;
}

/* Idle flows go, whichever program set they are on; of its own, this one moves those that must. */
static int medulla_visit_flow(void *table, struct medulla_flow_key *key, struct medulla_flow *flow,
			      void *context)
{
	const struct medulla_control *control = medulla_get_control();
	__u32 pin = *(volatile __u32 *)&flow->pin;
	__u64 now = bpf_ktime_get_ns();
	__u64 idle = now > flow->last_ns ? now - flow->last_ns : 0;

	if (idle > MEDULLA_FLOW_IDLE_NS) {
		/* Nobody else takes out a flow whose pin went to a processor that held the memory before it.
		 */
		if (!medulla_end_flow(key, flow) && idle > 2 * MEDULLA_FLOW_IDLE_NS)
			bpf_map_delete_elem(&medulla_table, key);
	} else if (control && medulla_own_slot(control, pin) < MEDULLA_SLOTS) {
		if (medulla_must_leave(control, now))
			medulla_move_pin(&flow->pin, pin, MEDULLA_LET_GO);
		else
			medulla_follow(control, &flow->pin, now);
	}
	return 0;
}

/* The next flow that begins starts it again. */
static __always_inline void medulla_stop_sweeping(struct medulla_sweeper *sweeper)
{
	*(volatile __u32 *)&sweeper->started = 0;
}

/* Needs no process: idle flows go, and flows of slots that are to be emptied move, also when nobody looks. */
static int medulla_sweep_flows(void *map, __u32 *key, struct medulla_sweeper *sweeper)
{
	bpf_for_each_map_elem(&medulla_table, medulla_visit_flow, 0, 0);
	if (bpf_timer_start(&sweeper->timer, MEDULLA_SWEEP_NS, 0))
		medulla_stop_sweeping(sweeper);
	return 0;
}

static __always_inline void medulla_start_sweeping(void)
{
	__u32 zero = 0;
	struct medulla_sweeper *sweeper = bpf_map_lookup_elem(&medulla_sweepers, &zero);
	long status;

	if (!sweeper || sweeper->started || __sync_lock_test_and_set(&sweeper->started, 1))
		return;
	status = bpf_timer_init(&sweeper->timer, &medulla_sweepers, MEDULLA_CLOCK_MONOTONIC);
	/* An attempt before this one may have come so far. */
	if (!status || status == -MEDULLA_TIMER_EXISTS)
		status = bpf_timer_set_callback(&sweeper->timer, medulla_sweep_flows);
	if (!status)
		status = bpf_timer_start(&sweeper->timer, MEDULLA_SWEEP_NS, 0);
	if (status)
		medulla_stop_sweeping(sweeper);
}

static __always_inline struct medulla_flow *medulla_spare_flow(__u64 now)
{
	const struct medulla_control *control = medulla_get_control();
	__u32 zero = 0;
	struct medulla_flow *flow = bpf_map_lookup_elem(&medulla_spare, &zero);
	__u64 decisions;

	if (!flow || !control)
		return 0;
	/* All that stays: without it each would be a first decision, always shadowed and never sampled. */
	decisions = flow->decisions;
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->decisions = decisions;
	flow->last_ns = now;
	flow->pin = MEDULLA_NO_PIN;
	return flow;
}

/* Adds a flow to the table; 0 when there is no room, which is counted. */
static __noinline struct medulla_flow *medulla_add_flow(const struct medulla_flow_key *key, __u64 now)
{
	struct medulla_flow fresh = {};
	struct medulla_counts *counts;
	struct medulla_flow *flow;
	long status;

	fresh.pin = medulla_take_pin();
	if (fresh.pin >= MEDULLA_PINS)
		return 0;
	fresh.number = medulla_new_flow();
	fresh.last_ns = now;
	status = bpf_map_update_elem(&medulla_table, key, &fresh, BPF_NOEXIST);
	/* A full table needs it most. */
	medulla_start_sweeping();
	if (!status)
		return bpf_map_lookup_elem(&medulla_table, key);
	medulla_release_pin(fresh.pin);
	/* Another processor may have added it. */
	flow = bpf_map_lookup_elem(&medulla_table, key);
	counts = medulla_get_counts(fresh.pin % MEDULLA_SLOTS);
	if (!flow && counts)
		counts->function[PACKET_UNPINNED]++;
	return flow;
}

/* Lets a flow go, or takes it over, as this program set is to be left or has the name; see above. */
__noinline int medulla_settle_flow(struct medulla_flow *flow, __u64 now)
{
	const struct medulla_control *control = medulla_get_control();
	__u32 pin, active;

	if (!flow || !control)
		return 0;
	pin = *(volatile __u32 *)&flow->pin;
	active = medulla_active_slot(control);
	if (medulla_own_slot(control, pin) < MEDULLA_SLOTS) {
		if (medulla_must_leave(control, now))
			medulla_move_pin(&flow->pin, pin, MEDULLA_LET_GO);
		return 0;
	}
	if (pin == MEDULLA_NO_PIN || active >= MEDULLA_SLOTS || control->left_ns ||
	    medulla_must_leave(control, now) ||
	    !medulla_move_pin(&flow->pin, pin, control->first_pin + active))
		return 0;
	/* Of this set's slots none made the flow's last decision. */
	flow->last.slot = MEDULLA_NO_SLOT;
	medulla_start_sweeping();
	return 1;
}

/*
 * The packet's flow, kept on the snapshot that was active when it began. A flow that is not kept (the table
 * is full, or the packet is a bare segment of no flow) is served by the active snapshot and remembers
 * nothing. 0 only when nothing is loaded.
 */
static __always_inline struct medulla_flow *medulla_take_flow(const struct medulla_packet *packet)
{
	const struct medulla_control *control = medulla_get_control();
	struct medulla_flow *flow = bpf_map_lookup_elem(&medulla_table, &packet->key);
	__u64 now = bpf_ktime_get_ns();

	if (!flow && packet->begins)
		flow = medulla_add_flow(&packet->key, now);
	if (!flow)
		return medulla_spare_flow(now);
	if (control &&
	    (medulla_own_slot(control, flow->pin) >= MEDULLA_SLOTS || medulla_must_leave(control, now)))
		medulla_settle_flow(flow, now);
	return flow;
}

/* The slot of this program set that the flow is on; the active one when it is on none. */
static __always_inline __u32 medulla_flow_slot(const struct medulla_flow *flow)
{
	const struct medulla_control *control = medulla_get_control();
	__u32 slot = control ? medulla_own_slot(control, flow->pin) : MEDULLA_NO_SLOT;

	return control && slot >= MEDULLA_SLOTS ? medulla_active_slot(control) : slot;
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
	return medulla_end_flow(&reverse, flow);
}

/* After the function's own work on the packet: notes its time, and lets a flow go that the packet ends. */
static __always_inline void medulla_leave_flow(const struct medulla_packet *packet, struct medulla_flow *flow)
{
	flow->last_ns = bpf_ktime_get_ns();
	if (packet->resets)
		medulla_end_reverse(packet);
	if (!packet->ends || !flow->number)
		return;
	medulla_end_flow(&packet->key, flow);
}

#endif /* MEDULLA_PACKET_BPF_H */
