/* SPDX-License-Identifier: GPL-2.0 */
/* Which path a flow is on: what is known of each, what the network says of them, and when one is left. */
#ifndef MEDULLA_PATHS_BPF_H
#define MEDULLA_PATHS_BPF_H

#include "kernel_types.h"

#include "path_features.h"
#include "paths_intf.h"
#include "shape.h"

#define PATHS_MS 1000000ULL
#define PATHS_SETTLED 32 /* segments after which a socket's round trip is the new path's */
#define PATHS_DEAF_NS (20 * PATHS_MS) /* least time that a peer must have sent nothing new */
#define PATHS_DEAF_MOST_NS (3000 * PATHS_MS) /* after that it is no more than asking whether we are there */
#define PATHS_LOSS_ROUNDS 4 /* round trips that a loss may take to mend */
#define PATHS_PROBE_NS (1000 * PATHS_MS) /* how long the answer to a probe is waited for */
#define PATHS_ABANDONED_NS (2000 * PATHS_MS) /* nobody could probe: a flow that begins tries the path */

/* What path selection keeps of a flow, after its measures. */
struct paths_flow {
	__u64 counted;	 /* whether its path's count of flows has it */
	__u64 placed_ns; /* when it came to its path */
	__u64 last_ns;	 /* its packet before this one */
	__u64 heard_ns;	 /* when something new was last acknowledged, or else placed_ns */
	__u64 waits_ns;	 /* since when something that was sent waits for any answer, or else placed_ns */
	__u64 told_ns;	 /* when its path was last told of it */
	__u64 advanced_ns; /* when the peer last sent something new, or else placed_ns */
	__u64 probed_ns;
	__u64 rtt_sum; /* of smoothed round trips, microseconds, on this path */
	__u64 rtt_count;
	__u64 bytes; /* on this path */
	__u64 untold_bytes;
	__u32 path; /* plus one; 0: none yet */
	__u32 decided; /* by `inputs`; else by a hash */
	__u32 moved;	 /* it was on another path before */
	__u32 delivered; /* the socket's count, when it was last seen */
	__u32 marked;
	__u32 repeated; /* the measures' count, when it was last seen */
	__u32 arrived;	/* segments with data from the peer, when they were last seen */
	__u32 expected; /* the next byte of the peer's then */
	__u32 disordered; /* of the segments that arrived, those beyond a gap */
	__u32 duplicates; /* the socket's count before the probe */
	__u32 probed;	  /* the path, plus one, that a probe of this flow's tries */
	__u32 deaf; /* the peer sends what it has sent: it does not hear us */
	__u32 sums[4];	  /* on this path: segments sent, repeated, delivered, marked */
	__u32 untold[4];  /* of these, what its path was not told yet */
	__s64 inputs[MEDULLA_INPUTS];
	struct {
		__s64 words[MEDULLA_OUTPUTS];
	} outputs;
};

enum paths_sum { PATHS_SENT, PATHS_REPEATED, PATHS_DELIVERED, PATHS_MARKED };

#define MEDULLA_OWN_WORDS (sizeof(struct paths_flow) / 8)

/* Each flow's place on its path ends with the flow, however that ends. */
struct medulla_flow;
int paths_forget(struct medulla_flow *flow);
#define MEDULLA_FORGET_FLOW(flow) paths_forget(flow)

static __always_inline __u64 paths_input(__u32 number);
#define MEDULLA_OWN_FEATURE(number) paths_input(number)

#include "flow_inputs.bpf.h"

/* All are the instance's: another program set goes on with them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct paths_settings);
} paths_settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PATHS_LIMIT);
	__type(key, __u32);
	__type(value, struct path_state);
} paths_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PATHS_LIMIT);
	__type(key, __u32);
	__type(value, struct path_counts);
} paths_counts SEC(".maps");

/* What a packet's socket says, of TCP that begins or ends on this host. */
struct paths_socket {
	__u32 is_known;
	__u32 rtt_us;
	__u32 delivered;
	__u32 marked;
	__u32 duplicates; /* segments that the peer had twice (RFC 2883) */
	__u32 selected;	  /* that it has beyond a gap, and has said so (RFC 2018) */
	__u32 timeouts;	  /* in a row */
	__u32 arrived;	  /* segments with data from the peer */
	__u32 expected;	  /* the next byte of the peer's */
	__u32 disordered; /* segments of the peer's that came beyond a gap */
	__u32 waiting;	  /* segments that wait for an acknowledgement, without this packet's */
	__u32 reserved;
};

static __always_inline const struct paths_settings *paths_get_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&paths_settings, &zero);
}

static __always_inline struct path_state *paths_get_state(__u32 path)
{
	return bpf_map_lookup_elem(&paths_states, &path);
}

static __always_inline struct path_counts *paths_get_counts(__u32 path)
{
	return bpf_map_lookup_elem(&paths_counts, &path);
}

static __always_inline struct paths_flow *paths_own(struct medulla_flow *flow)
{
	return (struct paths_flow *)(flow->memory + MEDULLA_MEASURE_WORDS);
}

/* An input after those of flows; its number is a constant. */
static __always_inline __u64 paths_input(__u32 number)
{
	__u32 at = number - FLOW_FEATURE_COUNT, kind = at % PATH_FEATURE_COUNT;
	const struct path_state *state = paths_get_state(at / PATH_FEATURE_COUNT % PATHS_LIMIT);
	/* The clock is read for those alone that go by it. */
	__u64 now = kind == PATH_age || kind == PATH_bytes ? bpf_ktime_get_ns() : 0;

	return state ? path_feature(state, (enum path_feature)kind, now) : 0;
}

/* Each path that is not known to be silent, as a bit; `new` flows also try one that nobody could probe. */
__noinline __u32 paths_living(__u64 now, __u32 new)
{
	__u32 living = 0;

	for (__u32 i = 0; i < MEDULLA_OUTPUTS; i++) {
		struct path_state *state = paths_get_state(i);
		__u64 rest;

		if (!state)
			continue;
		if (!state->silent_ns) {
			living |= 1U << i;
			continue;
		}
		rest = state->rest_until_ns;
		if (new && now > rest + PATHS_ABANDONED_NS &&
		    __sync_val_compare_and_swap(&state->rest_until_ns, rest, now) == rest)
			living |= 1U << i;
	}
	return living;
}

/* 1 where a < b, of differences below 2^63: without a branch, of which the verifier would walk both. */
static __always_inline __u64 paths_is_less(__s64 a, __s64 b)
{
	return (__u64)(a - b) >> 63;
}

/* The `draw`-th of the paths in `among`, counted round; the first without any. */
__noinline __u32 paths_pick(__u32 among, __u32 draw)
{
	__u32 count = 0, chosen = 0, found = 0;
	__s64 left;

	for (__u32 i = 0; i < PATHS_LIMIT; i++)
		count += among >> i & 1;
	left = count ? draw % count : 0;
	for (__u32 i = 0; i < PATHS_LIMIT; i++) {
		__u32 is_in = among >> i & 1;
		__u32 hit = is_in & (__u32)paths_is_less(left, 1) & ~found;

		chosen |= hit * i;
		found |= hit;
		left -= is_in;
	}
	return chosen & (PATHS_LIMIT - 1);
}

/* Those of `among` whose cost is at most `margin` above the least one's. */
__noinline __u32 paths_good(const struct medulla_outputs *costs, __u32 among, __s64 margin)
{
	__s64 least = (1LL << 61) - 1;
	__u32 good = 0;

	if (!costs)
		return among;
	for (__u32 i = 0; i < MEDULLA_OUTPUTS; i++) {
		__u64 better = paths_is_less(costs->words[i], least) & (among >> i & 1);

		least += (costs->words[i] - least) & -(__s64)better;
	}
	for (__u32 i = 0; i < MEDULLA_OUTPUTS; i++)
		good |= (__u32)(1 - paths_is_less(least + margin, costs->words[i])) << i;
	return good & among;
}

#endif /* MEDULLA_PATHS_BPF_H */
