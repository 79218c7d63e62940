/* SPDX-License-Identifier: GPL-2.0 */
/* A flow from packet to packet: what its socket says becomes its path's, and a silent path is left. */
#ifndef MEDULLA_PATHS_FOLLOW_BPF_H
#define MEDULLA_PATHS_FOLLOW_BPF_H

#include "paths.bpf.h"

struct paths_lock {
	struct bpf_spin_lock lock;
};

/* Of the path's state, as far as more than one word of it must fit together. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PATHS_LIMIT);
	__type(key, __u32);
	__type(value, struct paths_lock);
} paths_locks SEC(".maps");

static __always_inline void paths_add_recent(struct path_state *state, __u64 bytes, __u64 now)
{
	__u64 halves = now > state->bytes_ns ? (now - state->bytes_ns) / (PATHS_DECAY_US * 1000ULL) : 0;

	state->bytes = (halves < 64 ? state->bytes >> halves : 0) + bytes;
	/* In whole steps, so that what is left of one counts for the next. */
	state->bytes_ns = halves < 64 ? state->bytes_ns + halves * PATHS_DECAY_US * 1000ULL : now;
}

static __always_inline void paths_add_shares(struct path_state *state, const __u32 *untold)
{
	__u32 halves;

	state->sent += untold[PATHS_SENT];
	state->repeated += untold[PATHS_REPEATED];
	state->delivered += untold[PATHS_DELIVERED];
	state->marked += untold[PATHS_MARKED];
	halves = state->sent > PATHS_MEMORY;
	state->sent >>= halves;
	state->repeated >>= halves;
	state->delivered >>= halves;
	state->marked >>= halves;
}

/* Tells its path what the flow has seen since it last did. */
__noinline int paths_tell(struct medulla_flow *flow, __u64 now, __u32 rtt_us)
{
	struct paths_flow *own;
	struct path_state *state;
	struct path_counts *counts;
	struct paths_lock *lock;
	__u32 path, revived;

	if (!flow)
		return 0;
	own = paths_own(flow);
	path = own->path - 1;
	state = paths_get_state(path);
	counts = paths_get_counts(path);
	lock = bpf_map_lookup_elem(&paths_locks, &path);
	if (!state || !counts || !lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	paths_add_recent(state, own->untold_bytes, now);
	paths_add_shares(state, own->untold);
	if (rtt_us)
		state->rtt_us = state->rtt_us ? (state->rtt_us * 7 + rtt_us) / 8 : rtt_us;
	revived = own->untold[PATHS_DELIVERED] && state->silent_ns;
	if (own->untold[PATHS_DELIVERED]) {
		state->heard_ns = own->heard_ns > state->heard_ns ? own->heard_ns : state->heard_ns;
		state->silent_ns = 0;
	}
	bpf_spin_unlock(&lock->lock);
	if (revived)
		medulla_count(&counts->revivals, 1);
	own->told_ns = now;
	own->untold_bytes = 0;
#pragma unroll
	for (int i = 0; i < 4; i++)
		own->untold[i] = 0;
	return 1;
}

/* What a flow sent on the path was not answered within `patience_ns`. */
__noinline int paths_silence(__u32 path, __u64 patience_ns, __u64 now)
{
	struct path_state *state = paths_get_state(path);
	struct paths_lock *lock = bpf_map_lookup_elem(&paths_locks, &path);
	struct path_counts *counts = paths_get_counts(path);
	__u32 found;

	if (!state || !lock || !counts)
		return 0;
	bpf_spin_lock(&lock->lock);
	/* Where other flows are answered it is this flow's luck; they tell every millisecond. */
	found = !state->silent_ns && state->heard_ns + patience_ns + PATHS_MS < now;
	if (found) {
		/* A path that dies again soon is left alone for longer. */
		state->back_off_ns = now < state->rest_until_ns + state->back_off_ns * 4 ?
					     state->back_off_ns * 2 :
					     PATHS_FIRST_BACK_OFF_MS * PATHS_MS;
		if (state->back_off_ns > PATHS_LAST_BACK_OFF_MS * PATHS_MS)
			state->back_off_ns = PATHS_LAST_BACK_OFF_MS * PATHS_MS;
		state->silent_ns = now;
		state->rest_until_ns = now + state->back_off_ns;
	}
	bpf_spin_unlock(&lock->lock);
	if (found)
		medulla_count(&counts->deaths, 1);
	return found;
}

/* The peer has had something twice: what was sent on the silent path too has come. */
__noinline int paths_revive(__u32 path, __u64 now)
{
	struct path_state *state = paths_get_state(path);
	struct path_counts *counts = paths_get_counts(path);
	__u64 silent;

	if (!state || !counts)
		return 0;
	silent = state->silent_ns;
	if (!silent || __sync_val_compare_and_swap(&state->silent_ns, silent, 0) != silent)
		return 0;
	state->heard_ns = now;
	medulla_count(&counts->revivals, 1);
	return 1;
}

/* Off its path's count; whoever comes first. */
__noinline int paths_forget(struct medulla_flow *flow)
{
	struct paths_flow *own;
	struct path_state *state;

	if (!flow)
		return 0;
	own = paths_own(flow);
	if (!__sync_lock_test_and_set(&own->counted, 0))
		return 0;
	state = paths_get_state(own->path - 1);
	if (state)
		__sync_fetch_and_add(&state->flows, -1);
	return 1;
}

/* Its segments that were sent before: data, and SYNs. */
static __always_inline __u32 paths_repeats(const struct flow_state *state)
{
	__u32 syns = state->flags[1];

	return state->ways[0].repeated + (syns > 1 ? syns - 1 : 0);
}

/* What the peer has sent since the packet before. One that goes on sending what it has sent before gets no
 * acknowledgement of ours: a host that mostly receives learns by nothing else that its path is dead. What
 * comes beyond a gap is new, though the next byte is still missing. */
static __always_inline void paths_hear(struct paths_flow *own, const struct paths_socket *socket, __u64 now)
{
	__u64 patience = socket->rtt_us * 1000ULL * PATHS_LOSS_ROUNDS;

	patience = patience > PATHS_DEAF_NS ? patience : PATHS_DEAF_NS;
	own->deaf = socket->arrived != own->arrived && socket->expected == own->expected &&
		    socket->disordered == own->disordered && own->advanced_ns < now &&
		    now - own->advanced_ns > patience && now - own->advanced_ns < PATHS_DEAF_MOST_NS;
	if (socket->expected != own->expected)
		own->advanced_ns = now;
	own->arrived = socket->arrived;
	own->expected = socket->expected;
	own->disordered = socket->disordered;
}

/* What the packet and its socket say since the packet before it. 1: the packet is sent again. */
__noinline int paths_listen(struct medulla_flow *flow, const struct flow_packet *seen,
			    const struct paths_socket *socket)
{
	struct paths_flow *own;
	__u32 repeated, delivered, marked, repeats;

	if (!flow || !seen || !socket)
		return 0;
	own = paths_own(flow);
	repeats = paths_repeats((const struct flow_state *)flow->memory);
	repeated = repeats - own->repeated;
	own->repeated = repeats;
	if (socket->is_known) {
		delivered = socket->delivered - own->delivered;
		marked = socket->marked - own->marked;
		own->delivered = socket->delivered;
		own->marked = socket->marked;
		paths_hear(own, socket, seen->clock_ns);
		if (delivered)
			own->heard_ns = seen->clock_ns;
		if (delivered || !socket->waiting)
			own->waits_ns = seen->clock_ns;
		own->sums[PATHS_DELIVERED] += delivered;
		own->untold[PATHS_DELIVERED] += delivered;
		own->sums[PATHS_MARKED] += marked;
		own->untold[PATHS_MARKED] += marked;
	}
	own->sums[PATHS_REPEATED] += repeated;
	own->untold[PATHS_REPEATED] += repeated;
	own->sums[PATHS_SENT] += seen->segments;
	own->untold[PATHS_SENT] += seen->segments;
	own->bytes += seen->length;
	own->untold_bytes += seen->length;
	return !!repeated;
}

/* The socket's round trip as the flow's path's: it smooths over what came before the flow came there. */
static __always_inline __u32 paths_rtt(const struct paths_flow *own, const struct paths_socket *socket)
{
	__u32 least = own->moved ? PATHS_SETTLED : 1;

	/* What waits for an answer in vain measures its own patience. */
	return socket->is_known && !socket->timeouts && own->sums[PATHS_DELIVERED] >= least ? socket->rtt_us :
											      0;
}

/* Whether a packet that is sent again is evidence that nothing comes back: nothing new was acknowledged for a
 * round trip; where the peer has said that later packets came, which loss alone explains, for several. */
static __always_inline int paths_is_evidence(const struct paths_flow *own, const struct paths_socket *socket,
					     __u64 now)
{
	/* That of a SYN is not known, and its timer is long anyway. */
	__u64 patience = socket->rtt_us * (socket->selected ? PATHS_LOSS_ROUNDS : 1ULL) * 1000;

	return own->waits_ns < now && now - own->waits_ns > patience;
}

/* Whether the flow must leave its path: this packet is evidence itself, or another flow's has stood for a
 * round trip and PATHS_MARGIN_MS. */
__noinline int paths_must_leave(struct medulla_flow *flow, const struct paths_socket *socket, __u64 now,
				__u32 repeats)
{
	struct path_state *state;
	struct paths_flow *own;
	__u64 silent;

	if (!flow || !socket)
		return 0;
	own = paths_own(flow);
	state = paths_get_state(own->path - 1);
	if (!state)
		return 0;
	if (own->deaf || (repeats && paths_is_evidence(own, socket, now))) {
		paths_silence(own->path - 1, state->rtt_us * 1000, now);
		return 1;
	}
	silent = state->silent_ns;
	return silent && now > silent && now - silent > state->rtt_us * 1000 + PATHS_MARGIN_MS * PATHS_MS;
}

/* Of what a flow does with a silent path that may be tried again: the path plus one, or 0. The copy is then
 * sent, and when the peer says that it had something twice the path lives. */
__noinline __u32 paths_probe(struct medulla_flow *flow, const struct paths_socket *socket, __u64 now)
{
	struct paths_flow *own;

	if (!flow || !socket)
		return 0;
	own = paths_own(flow);
	if (own->probed) {
		if (socket->duplicates != own->duplicates)
			paths_revive(own->probed - 1, now);
		else if (now - own->probed_ns < PATHS_PROBE_NS)
			return 0;
		own->probed = 0;
	}
	for (__u32 i = 0; i < MEDULLA_OUTPUTS; i++) {
		struct path_state *state = paths_get_state(i);
		struct path_counts *counts = paths_get_counts(i);
		__u64 rest, back_off;

		if (!state || !counts || !state->silent_ns || i + 1 == own->path)
			continue;
		rest = state->rest_until_ns;
		back_off = state->back_off_ns * 2;
		if (back_off > PATHS_LAST_BACK_OFF_MS * PATHS_MS)
			back_off = PATHS_LAST_BACK_OFF_MS * PATHS_MS;
		if (now < rest ||
		    __sync_val_compare_and_swap(&state->rest_until_ns, rest, now + back_off) != rest)
			continue;
		state->back_off_ns = back_off;
		own->probed = i + 1;
		own->probed_ns = now;
		own->duplicates = socket->duplicates;
		medulla_count(&counts->probes, 1);
		return i + 1;
	}
	return 0;
}

#endif /* MEDULLA_PATHS_FOLLOW_BPF_H */
