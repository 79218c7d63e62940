/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What a network may be told of each path: `path_NAME_NUMBER`, with numbers from 1. */
#ifndef MEDULLA_PATH_FEATURES_H
#define MEDULLA_PATH_FEATURES_H

#include "flow_features.h"
#include "paths_intf.h"

#define PATHS_AGE_LIMIT_US 1000000ULL

/* X(name, unit, formula, value), with the path's state as `p` and the time as `now`. */
#define PATH_FEATURES(X) \
	X(rtt, "us", "smoothed round trip of own TCP flows on the path: 7/8 of before, 1/8 of a flow's", \
	  p->rtt_us) \
	X(marks, "1/1000000", "delivered segments that were marked with ECN, lately", \
	  path_share(p->marked, p->delivered)) \
	X(losses, "1/1000000", "sent segments that were sent again, lately", \
	  path_share(p->repeated, p->sent)) \
	X(age, "us", "since something was last heard of the path, at most 1 s; 1 s when nothing ever was", \
	  path_age(p, now)) \
	X(flows, "flows", "own flows on the path that have not ended", p->flows) \
	X(bytes, "bytes", "sent on the path; halved every 10 ms", path_recent_bytes(p, now))

#define PATH_NUMBER(name, unit, formula, value) PATH_##name,
enum path_feature { PATH_FEATURES(PATH_NUMBER) PATH_FEATURE_COUNT };
#undef PATH_NUMBER

static __always_inline __u64 path_share(__u64 part, __u64 whole)
{
	return whole ? part * 1000000 / whole : 0;
}

static __always_inline __u64 path_age(const struct path_state *p, __u64 now)
{
	__u64 age = now > p->heard_ns ? (now - p->heard_ns) / 1000 : 0;

	return !p->heard_ns || age > PATHS_AGE_LIMIT_US ? PATHS_AGE_LIMIT_US : age;
}

static __always_inline __u64 path_recent_bytes(const struct path_state *p, __u64 now)
{
	__u64 halves = now > p->bytes_ns ? (now - p->bytes_ns) / (PATHS_DECAY_US * 1000ULL) : 0;

	return halves < 64 ? p->bytes >> halves : 0;
}

/* With a constant number only that feature's code is left. */
static __always_inline __u64 path_feature(const struct path_state *p, enum path_feature number, __u64 now)
{
#define PATH_VALUE(name, unit, formula, value) \
	case PATH_##name: \
		return (value);

	switch (number) {
		PATH_FEATURES(PATH_VALUE)
	default:
		return 0;
	}
#undef PATH_VALUE
}

/* Numbers of inputs after those of flows: FLOW_path_rtt_1 and so on. */
#define PATHS_OF_ONE(number) \
	FLOW_path_rtt_##number, FLOW_path_marks_##number, FLOW_path_losses_##number, FLOW_path_age_##number, \
		FLOW_path_flows_##number, FLOW_path_bytes_##number

enum paths_input {
	PATHS_BEFORE_FIRST = FLOW_FEATURE_COUNT - 1,
	PATHS_OF_ONE(1),
	PATHS_OF_ONE(2),
	PATHS_OF_ONE(3),
	PATHS_OF_ONE(4),
	PATHS_OF_ONE(5),
	PATHS_OF_ONE(6),
	PATHS_OF_ONE(7),
	PATHS_OF_ONE(8),
	PATHS_INPUT_END
};

_Static_assert(PATHS_INPUT_END - FLOW_FEATURE_COUNT == PATHS_LIMIT * PATH_FEATURE_COUNT,
	       "each path has each feature, in the order of PATH_FEATURES");

struct path_feature_text {
	const char *name;
	const char *unit;
	const char *formula;
};

#ifndef __bpf__
/* By enum path_feature; 0 beyond. */
const struct path_feature_text *path_feature_text(__u32 number);
#endif

#endif /* MEDULLA_PATH_FEATURES_H */
