/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* The features of `flow_features.h` as a list, for user space. */
#ifndef MEDULLA_FLOW_FEATURE_LIST_H
#define MEDULLA_FLOW_FEATURE_LIST_H

#include "flow_features.h"

struct flow_feature_text {
	const char *name;
	const char *unit;
	const char *formula;
	const char *source;
};

/* By enum flow_feature. */
const struct flow_feature_text *flow_feature_text(__u32 number);

/* All features of a flow, FLOW_FEATURE_COUNT words. */
void flow_all_features(const struct flow_state *flow, __u64 *values);

#endif /* MEDULLA_FLOW_FEATURE_LIST_H */
