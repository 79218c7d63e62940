/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which packets may wait for the link, and in which band, in the manner of PACKS (NSDI 2026): by how many of
 * the lately sent packets rank before this one, and by how much room there is. A packet goes into the first
 * band up to which the free part of the room is no less than the part of the packets that rank before it,
 * with an allowance for bursts; where there is none it is refused.
 *
 * A program at tc does not see the queue. What waits is reckoned from what was admitted and from the rate
 * that the operator gives, the first band first.
 */
#ifndef MEDULLA_SCHEDULING_ADMIT_BPF_H
#define MEDULLA_SCHEDULING_ADMIT_BPF_H

#include "scheduling.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scheduling_queue);
} scheduling_queue SEC(".maps");

struct scheduling_lock {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scheduling_lock);
} scheduling_locks SEC(".maps");

/* The power of two of the flow's size: as it was predicted, or as it is already. */
static __always_inline __u32 scheduling_rank(const struct scheduling_flow *own, __u64 bytes)
{
	__s64 sent = flow_input_log2(bytes, 0);
	__s64 said = own->output >> MEDULLA_OUTPUT_FRACTION_BITS;
	__s64 rank = said > sent ? said : sent;
	__u32 at = rank < 0 ? 0 : rank > SCHEDULING_RANKS - 1 ? SCHEDULING_RANKS - 1 : (__u32)rank;

	MEDULLA_HOLD(at);
	return at & (SCHEDULING_RANKS - 1);
}

/* Lets the link send what it has had time for, the first band first. */
static __always_inline void scheduling_drain(struct scheduling_queue *queue, __u64 byte_ps, __u64 now)
{
	__u64 gap = now > queue->last_ns ? now - queue->last_ns : 0, sent, part;

	/* A second empties whatever fits. */
	sent = gap > 1000000000ULL ? ~0ULL >> 1 : gap * 1000 / byte_ps;
	queue->last_ns = now;
#pragma unroll
	for (int band = 0; band < SCHEDULING_BANDS; band++) {
		part = queue->waiting[band] < sent ? queue->waiting[band] : sent;
		queue->waiting[band] -= part;
		sent -= part;
	}
}

/* Counts the packet's rank; what came before, less than a thousand packets or two ago, counts half. */
static __always_inline __u64 scheduling_before(struct scheduling_queue *queue, __u32 rank)
{
	__u64 before = 0;
	__u32 halves = queue->packets >= SCHEDULING_RANK_MEMORY, packets = 0;

	queue->ranks[rank]++;
	MEDULLA_LOOP
	for (__u32 i = 0; i < SCHEDULING_RANKS; i++) {
		__u32 count = queue->ranks[i] >> halves;

		queue->ranks[i] = count;
		packets += count;
		/* Those of lower ranks, without a branch. */
		before += count & -(__u32)((i - rank) >> 31);
	}
	queue->packets = packets;
	return before;
}

/* The band that the packet waits in; SCHEDULING_BANDS: it is refused. */
__noinline __u32 scheduling_admit(struct medulla_flow *flow, __u32 bytes, __u64 now)
{
	__u32 zero = 0, band = SCHEDULING_BANDS, rank;
	const struct scheduling_settings *settings = scheduling_get_settings();
	struct scheduling_queue *queue = bpf_map_lookup_elem(&scheduling_queue, &zero);
	struct scheduling_lock *lock = bpf_map_lookup_elem(&scheduling_locks, &zero);
	__u64 before, packets, free = 0, room, all;

	if (!flow || !settings || !queue || !lock || !settings->byte_ps)
		return 0;
	rank = scheduling_rank(scheduling_own(flow), scheduling_bytes(scheduling_state(flow)));
	room = settings->room;
	all = room * settings->bands;
	bpf_spin_lock(&lock->lock);
	scheduling_drain(queue, settings->byte_ps, now);
	before = scheduling_before(queue, rank);
	packets = queue->packets ? queue->packets : 1;
	for (__u32 i = 0; i < SCHEDULING_BANDS; i++) {
		__u64 waiting = queue->waiting[i];

		if (i >= settings->bands || band < SCHEDULING_BANDS)
			continue;
		free += room > waiting ? room - waiting : 0;
		if (waiting + bytes <= room && before * all * SCHEDULING_SLACK_DENOMINATOR <=
						       free * packets * SCHEDULING_SLACK_NUMERATOR) {
			band = i;
			queue->waiting[i] = waiting + bytes;
		}
	}
	bpf_spin_unlock(&lock->lock);
	return band;
}

#endif /* MEDULLA_SCHEDULING_ADMIT_BPF_H */
