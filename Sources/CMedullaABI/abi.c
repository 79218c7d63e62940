/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What the headers declare and user space wants as a list; all else is inline in them. */
#include "CMedullaABI.h"

#define FLOW_TEXT(name, unit, formula, source, value) {#name, unit, formula, source},
static const struct flow_feature_text texts[] = {FLOW_FEATURES(FLOW_TEXT)};

const struct flow_feature_text *flow_feature_text(__u32 number)
{
	return number < FLOW_FEATURE_COUNT ? &texts[number] : 0;
}

void flow_all_features(const struct flow_state *flow, __u64 *values)
{
	const struct flow_state *f = flow;
	__u64 *next = values;

#define FLOW_STORE(name, unit, formula, source, value) *next++ = (value);
	FLOW_FEATURES(FLOW_STORE)
}

#define PATH_TEXT(name, unit, formula, value) {#name, unit, formula},
static const struct path_feature_text path_texts[] = {PATH_FEATURES(PATH_TEXT)};

const struct path_feature_text *path_feature_text(__u32 number)
{
	return number < PATH_FEATURE_COUNT ? &path_texts[number] : 0;
}
