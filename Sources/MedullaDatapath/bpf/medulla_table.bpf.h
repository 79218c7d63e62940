/* SPDX-License-Identifier: GPL-2.0 */
/* The table of flows itself: its maps, its places, and how a flow leaves it. `medulla_packet.bpf.h` says what
 * holds for a flow's word. */
#ifndef MEDULLA_TABLE_BPF_H
#define MEDULLA_TABLE_BPF_H

#include "medulla.bpf.h"
#include "packet_intf.h"

#ifndef MEDULLA_FLOW_LIMIT
#define MEDULLA_FLOW_LIMIT 16384 /* flows that are kept at once, where the operator says nothing */
#endif
#ifndef MEDULLA_FLOW_IDLE_NS
#define MEDULLA_FLOW_IDLE_NS 60000000000ULL /* without a packet for so long a flow is over */
#endif
#ifndef MEDULLA_FLOW_LINGER_NS
#define MEDULLA_FLOW_LINGER_NS MEDULLA_FLOW_IDLE_NS /* the same for one whose end was seen */
#endif
#ifndef MEDULLA_FORGET_FLOW
#define MEDULLA_FORGET_FLOW(flow) /* what a function does once when a flow leaves the table */
#endif
#define MEDULLA_PLACE_TRIES 8

const volatile struct packet_options packet_options SEC(".rodata.packet") = {MEDULLA_FLOW_LIMIT};

/* Half of them are free: one is found in a few tries. */
#define MEDULLA_PLACES_FOR(flows) (2 * (flows))
#define MEDULLA_PLACES MEDULLA_PLACES_FOR(packet_options.flow_limit)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MEDULLA_FLOW_LIMIT);
	__type(key, struct medulla_flow_key);
	__type(value, struct medulla_flow);
} medulla_table SEC(".maps");

/* The instance's too: a list of the table's flows that can be gone through in parts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MEDULLA_PLACES_FOR(MEDULLA_FLOW_LIMIT));
	__type(key, __u32);
	__type(value, struct medulla_place);
} medulla_places SEC(".maps");

/* A free place, taken for a flow that is on its way into the table; MEDULLA_PLACES: none was found. Not
 * static, as those below: the verifier walks it once. */
__noinline __u32 medulla_take_place(__u64 number)
{
	__u32 first = (__u32)(number * 0x9e3779b97f4a7c15ULL >> 32);

	for (__u32 i = 0; i < MEDULLA_PLACE_TRIES; i++) {
		__u32 at = (first + i) % MEDULLA_PLACES;
		struct medulla_place *place = bpf_map_lookup_elem(&medulla_places, &at);

		if (place && !*(volatile __u64 *)&place->number &&
		    !__sync_val_compare_and_swap(&place->number, 0, MEDULLA_PLACE_TAKEN))
			return at;
	}
	return MEDULLA_PLACES;
}

/* The flow is in the table: the sweep may find it. */
static __always_inline void medulla_fill_place(__u32 at, __u64 number, const struct medulla_flow_key *key)
{
	struct medulla_place *place = bpf_map_lookup_elem(&medulla_places, &at);

	if (!place)
		return;
	place->key = *key;
	medulla_store_ordered(&place->number, number);
}

/* `held`: what the place is held for. When it is not any more, the sweep has been there, or will be. */
static __always_inline void medulla_free_place(__u32 at, __u64 held)
{
	struct medulla_place *place = bpf_map_lookup_elem(&medulla_places, &at);

	if (place)
		__sync_val_compare_and_swap(&place->number, held, 0);
}

static __always_inline int medulla_is_idle(const struct medulla_flow *flow, __u64 now)
{
	__u64 last = *(const volatile __u64 *)&flow->last_ns;
	__u64 limit = flow->ended ? MEDULLA_FLOW_LINGER_NS : MEDULLA_FLOW_IDLE_NS;

	return now > last && now - last > limit;
}

/*
 * The flow of `key` has ended: off its pin's count, and out of the table. 1: it was this caller. With `now`
 * only a flow that is idle then.
 *
 * The order: the word; then that the key still leads here, so that the word is this flow's, whose number no
 * other has; then the exchange, which fails when the flow ended, or another took its memory, since. From then
 * on the flow stays in the table until this caller deletes it, and nobody can add another of its key: what is
 * deleted is what was taken off the count. The count before the deletion, so that a slot whose count is 0 may
 * still be read by the flow's last packet, as ever, but no flow is left uncounted.
 */
__noinline int medulla_end_flow(const struct medulla_flow_key *key, struct medulla_flow *flow, __u64 now)
{
	__u64 word, ended;
	__u32 at;

	if (!key || !flow)
		return 0;
	word = medulla_load_ordered(&flow->pin);
	ended = medulla_with_pin(word, MEDULLA_NO_PIN);
	if (word == ended || bpf_map_lookup_elem(&medulla_table, key) != flow)
		return 0;
	if (now && !medulla_is_idle(flow, now))
		return 0;
	at = flow->place;
	if (__sync_val_compare_and_swap(&flow->pin, word, ended) != word)
		return 0;
	medulla_release_pin(word);
	MEDULLA_FORGET_FLOW(flow);
	/* The kernel refuses when it cannot lock: the flow is let go, on no count, and the sweep ends it. */
	if (bpf_map_delete_elem(&medulla_table, key))
		__sync_val_compare_and_swap(&flow->pin, ended, medulla_with_pin(word, MEDULLA_LET_GO));
	else
		medulla_free_place(at, word >> MEDULLA_PIN_BITS);
	return 1;
}

#endif /* MEDULLA_TABLE_BPF_H */
