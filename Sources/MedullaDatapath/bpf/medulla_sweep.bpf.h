/* SPDX-License-Identifier: GPL-2.0 */
/* What goes over the table of flows by a timer of the kernel: idle flows go, and those that must move do. */
#ifndef MEDULLA_SWEEP_BPF_H
#define MEDULLA_SWEEP_BPF_H

#include "medulla_table.bpf.h"

#define MEDULLA_SWEEP_MOST 256 /* places that one softirq looks at */
#define MEDULLA_SWEEP_STEP (MEDULLA_PLACES < MEDULLA_SWEEP_MOST ? MEDULLA_PLACES : MEDULLA_SWEEP_MOST)
#define MEDULLA_SWEEP_ROUND ((MEDULLA_PLACES + MEDULLA_SWEEP_STEP - 1) / MEDULLA_SWEEP_STEP)
#define MEDULLA_SWEEP_NS (MEDULLA_FLOW_LINGER_NS / 4 / MEDULLA_SWEEP_ROUND) /* all in a quarter of it */
#define MEDULLA_CLOCK_MONOTONIC 1
#define MEDULLA_TIMER_EXISTS 16 /* EBUSY */

struct medulla_sweeper {
	struct bpf_timer timer;
	__u32 started;
	__u32 next; /* the place that is looked at next */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_sweeper);
} medulla_sweepers SEC(".maps");

/* Idle flows go, whichever program set they are on; of its own, this one moves those that must. */
static __always_inline void medulla_visit_flow(const struct medulla_flow_key *key, struct medulla_flow *flow)
{
	const struct medulla_control *control = medulla_get_control();
	__u64 word = *(volatile __u64 *)&flow->pin;
	__u64 now = bpf_ktime_get_ns();

	if (medulla_is_idle(flow, now))
		medulla_end_flow(key, flow, now);
	else if (control && medulla_own_slot(control, word) < MEDULLA_SLOTS) {
		if (medulla_must_leave(control, now))
			medulla_move_pin(&flow->pin, word, MEDULLA_LET_GO);
		else
			medulla_follow(control, &flow->pin, now);
	}
}

/* The key is copied: the place, as the table's memory, may become another flow's at any moment. */
static long medulla_visit_place(__u64 step, __u32 *first)
{
	__u32 at = (*first + (__u32)step) % MEDULLA_PLACES;
	struct medulla_place *place = bpf_map_lookup_elem(&medulla_places, &at);
	struct medulla_flow_key key;
	struct medulla_flow *flow;
	__u64 number;

	if (!place)
		return 1;
	number = *(volatile __u64 *)&place->number;
	if (!number || number == MEDULLA_PLACE_TAKEN || medulla_load_ordered(&place->number) != number)
		return 0;
	key = place->key;
	flow = bpf_map_lookup_elem(&medulla_table, &key);
	if (flow && flow->number == number)
		medulla_visit_flow(&key, flow);
	else
		medulla_free_place(at, number);
	return 0;
}

/* The next flow that begins starts it again. */
static __always_inline void medulla_stop_sweeping(struct medulla_sweeper *sweeper)
{
	medulla_store_ordered32(&sweeper->started, 0);
}

/* Needs no process: idle flows go, and flows of slots that are to be emptied move, also when nobody looks. A
 * part of the places each time: a softirq holds up the packets of its processor. */
static int medulla_sweep_flows(void *map, __u32 *key, struct medulla_sweeper *sweeper)
{
	__u32 first = sweeper->next;

	bpf_loop(MEDULLA_SWEEP_STEP, medulla_visit_place, &first, 0);
	sweeper->next = (first + MEDULLA_SWEEP_STEP) % MEDULLA_PLACES;
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

#endif /* MEDULLA_SWEEP_BPF_H */
