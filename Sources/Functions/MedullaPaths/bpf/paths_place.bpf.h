/* SPDX-License-Identifier: GPL-2.0 */
/* Which path a flow's packets take, and what is learned of it when the flow has ended. */
#ifndef MEDULLA_PATHS_PLACE_BPF_H
#define MEDULLA_PATHS_PLACE_BPF_H

#include "paths_follow.bpf.h"

/* A packet without payload or of a flow that is in trouble probes nothing. */
#define PATHS_PROBE_PAYLOAD 1
#define PATHS_TAUGHT 2 /* segments of a flow, its SYN included, that were delivered on a path it tells of */

/* Asks the network. 1: it has answered, in the question's outputs. */
__noinline int paths_ask(struct medulla_flow *flow)
{
	struct medulla_question *question;
	struct paths_flow *own;

	if (!flow)
		return 0;
	own = paths_own(flow);
	question = medulla_question_of(flow);
	if (!question || medulla_decide_flow(flow, &question->inputs, &question->outputs))
		return 0;
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		own->inputs[i] = question->inputs.words[i];
	for (int i = 0; i < MEDULLA_OUTPUTS; i++)
		own->outputs.words[i] = question->outputs.words[i];
	return 1;
}

/* The flow is on `path` from now on. */
__noinline int paths_move(struct medulla_flow *flow, __u32 path, const struct paths_socket *socket, __u64 now)
{
	struct path_state *state = paths_get_state(path);
	struct path_counts *counts = paths_get_counts(path);
	struct paths_flow *own;

	if (!flow || !socket || !state || !counts)
		return 0;
	own = paths_own(flow);
	paths_forget(flow);
	own->moved |= !!own->path;
	own->path = path + 1;
	own->placed_ns = own->heard_ns = own->waits_ns = own->advanced_ns = now;
	own->arrived = socket->arrived;
	own->expected = socket->expected;
	own->disordered = socket->disordered;
	own->deaf = 0;
	own->told_ns = now;
	own->rtt_sum = own->rtt_count = own->bytes = 0;
	own->untold_bytes = 0;
	own->delivered = socket->delivered;
	own->marked = socket->marked;
#pragma unroll
	for (int i = 0; i < 4; i++)
		own->sums[i] = own->untold[i] = 0;
	__sync_fetch_and_add(&state->flows, 1);
	__sync_lock_test_and_set(&own->counted, 1);
	medulla_count(&counts->flows, 1);
	return 1;
}

/* Puts the flow on the path that is best for it, of those that live; `except`: the bit of one that it leaves,
 * or 0. */
__noinline int paths_choose(struct medulla_flow *flow, const struct paths_socket *socket, __u32 except,
			    __u64 now)
{
	const struct paths_settings *settings = paths_get_settings();
	__u32 living, path, explores = 0;
	struct path_counts *counts;
	struct paths_flow *own;

	if (!flow || !socket || !settings)
		return 0;
	own = paths_own(flow);
	living = paths_living(now, !own->path) & ~except;
	/* None is known to live: any, for nothing is lost by it. */
	if (!living)
		living = ((1U << MEDULLA_OUTPUTS) - 1) & ~except;
	if (!living)
		living = 1;
	own->decided = paths_ask(flow);
	if (own->decided)
		explores = settings->explores && !(bpf_get_prandom_u32() % settings->explores);
	if (own->decided && !explores)
		living = paths_good((const struct medulla_outputs *)&own->outputs, living, settings->margin);
	path = paths_pick(living, bpf_get_prandom_u32());
	paths_move(flow, path, socket, now);
	counts = paths_get_counts(path);
	if (!counts)
		return 0;
	if (explores)
		medulla_count(&counts->explored, 1);
	if (!own->decided)
		medulla_count(&counts->hashed, 1);
	return 1;
}

/* log2 of the mean round trip, and as much for each sixteenth of the segments that was sent again: what the
 * network should have said of the path. */
static __always_inline __s64 paths_cost(const struct paths_flow *own, __u64 repeated)
{
	return flow_input_log2(own->rtt_sum / own->rtt_count, MEDULLA_OUTPUT_FRACTION_BITS) +
	       (__s64)((repeated * 16 << MEDULLA_OUTPUT_FRACTION_BITS) / 1000000);
}

/* The flow leaves its path, or has ended: what it saw there goes up. */
__noinline int paths_report(struct medulla_flow *flow, __u64 now, __u32 in_vain)
{
	__s64 outcomes[PATHS_OUTCOMES];
	struct paths_flow *own;
	__u64 repeated;

	if (!flow)
		return 0;
	own = paths_own(flow);
	/* A flow of which no round trip is known has nothing to teach, nor one that has only begun and
	 * otherwise acknowledged, unless it waited in vain. */
	if (!own->decided || !own->path || !own->rtt_count ||
	    (own->sums[PATHS_DELIVERED] < PATHS_TAUGHT && !in_vain))
		return 0;
	own->decided = 0;
	repeated = path_share(own->sums[PATHS_REPEATED], own->sums[PATHS_SENT]);
	outcomes[PATHS_OUTCOME_COST] = paths_cost(own, repeated);
	outcomes[PATHS_OUTCOME_PATH] = own->path - 1;
	outcomes[PATHS_OUTCOME_RTT] = (__s64)(own->rtt_sum / own->rtt_count);
	outcomes[PATHS_OUTCOME_REPEATED] = (__s64)repeated;
	outcomes[PATHS_OUTCOME_MARKED] =
		(__s64)path_share(own->sums[PATHS_MARKED], own->sums[PATHS_DELIVERED]);
	outcomes[PATHS_OUTCOME_BYTES] = (__s64)own->bytes;
	outcomes[PATHS_OUTCOME_DURATION] = (__s64)((now - own->placed_ns) / 1000);
	return medulla_sample_flow(flow, own->inputs, own->outputs.words, outcomes, PATHS_OUTCOMES);
}

/* Of a flow that is not kept: by its key alone it is always on the same of the paths that live. */
static __always_inline __u32 paths_hash(const struct medulla_packet *packet)
{
	__u64 words[5];

	__builtin_memcpy(words, &packet->key, sizeof(words));
	words[0] = (words[0] ^ words[1] ^ words[2] ^ words[3] ^ words[4]) * 0x9e3779b97f4a7c15ULL;
	return (__u32)(words[0] >> 32);
}

/* Whether what the flow has heard says that its path lives after all. */
static __always_inline int paths_is_news(const struct paths_flow *own)
{
	const struct path_state *state = paths_get_state(own->path - 1);

	return own->untold[PATHS_DELIVERED] && state && state->silent_ns;
}

/* Takes what the packet says to where it belongs, and moves the flow when it is time. */
static __always_inline void paths_follow(struct medulla_flow *flow, struct paths_flow *own,
					 const struct flow_packet *seen, const struct paths_socket *socket)
{
	const struct paths_settings *settings = paths_get_settings();
	__u64 now = seen->clock_ns, gap = now - own->last_ns;
	__u32 repeats, left = 0, rtt;
	struct path_counts *counts;

	if (!settings)
		return;
	repeats = own->path ? paths_listen(flow, seen, socket) : 0;
	if (own->path) {
		rtt = paths_rtt(own, socket);
		own->rtt_sum += rtt;
		own->rtt_count += !!rtt;
		if (repeats || now - own->told_ns >= PATHS_MS || paths_is_news(own))
			paths_tell(flow, now, rtt);
		left = paths_must_leave(flow, socket, now, repeats);
	}
	if (left) {
		counts = paths_get_counts(own->path - 1);
		if (counts)
			medulla_count(&counts->left, 1);
		/* It, or its peer, has waited for so long. */
		own->rtt_sum = (now - (own->deaf ? own->advanced_ns : own->waits_ns)) / 1000;
		own->rtt_count = 1;
	}
	if (own->path && !left && (!settings->gap_ns || gap < settings->gap_ns || repeats))
		return;
	paths_report(flow, now, left);
	paths_choose(flow, socket, left ? 1U << ((own->path - 1) & (PATHS_LIMIT - 1)) : 0, now);
	own->bytes += seen->length;
	own->untold_bytes += seen->length;
	own->sums[PATHS_SENT] += seen->segments;
	own->untold[PATHS_SENT] += seen->segments;
}

/* Another path than those whose next hops do not answer, plus one; the flow is on one of them. */
__noinline __u32 paths_replace(struct medulla_flow *flow, const struct medulla_packet *packet,
			       const struct flow_packet *seen, const struct paths_socket *socket,
			       __u32 except)
{
	struct path_counts *counts;

	if (!flow || !packet || !seen || !socket)
		return 0;
	if (!flow->number)
		return paths_pick(paths_living(seen->clock_ns, 0) & ~except, paths_hash(packet)) + 1;
	counts = paths_get_counts(paths_own(flow)->path - 1);
	if (counts)
		medulla_count(&counts->left, 1);
	paths_choose(flow, socket, except, seen->clock_ns);
	return paths_own(flow)->path;
}

#define PATHS_PROBE_SHIFT 8 /* below it the path plus one, above it the path to probe plus one */

/* The packet's path plus one, and one that a copy of it tries. */
__noinline __u32 paths_place(struct medulla_flow *flow, const struct medulla_packet *packet,
			     const struct flow_packet *seen, const struct paths_socket *socket)
{
	struct path_counts *counts;
	struct paths_flow *own;
	__u32 path, probe = 0;
	__u64 now;

	if (!flow || !packet || !seen || !socket)
		return 0;
	now = seen->clock_ns;
	own = paths_own(flow);
	if (flow->number) {
		paths_follow(flow, own, seen, socket);
		own->last_ns = now;
		path = own->path;
		if (socket->is_known && !socket->timeouts && packet->payload >= PATHS_PROBE_PAYLOAD)
			probe = paths_probe(flow, socket, now);
		if (flow->ended && own->counted) {
			paths_tell(flow, now, paths_rtt(own, socket));
			paths_report(flow, now, 0);
			paths_forget(flow);
		}
	} else {
		path = paths_pick(paths_living(now, 0), paths_hash(packet)) + 1;
	}
	counts = paths_get_counts(path - 1);
	if (counts) {
		medulla_count_alone(&counts->packets, seen->segments);
		medulla_count_alone(&counts->bytes, seen->length);
	}
	return path | probe << PATHS_PROBE_SHIFT;
}

#endif /* MEDULLA_PATHS_PLACE_BPF_H */
