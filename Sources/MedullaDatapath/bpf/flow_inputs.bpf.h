/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inputs of a network that names the features of flows that it is told (MEDULLA_FLOW_INPUTS of its
 * shape). Only those are computed. For a function that includes this instead of `flow_features.bpf.h`:
 *
 *	question = medulla_question_of(flow);
 *	if (question && !medulla_decide_flow(flow, &question->inputs, &question->outputs))
 */
#ifndef MEDULLA_FLOW_INPUTS_BPF_H
#define MEDULLA_FLOW_INPUTS_BPF_H

#include "flow_inputs.h"

#ifndef MEDULLA_OWN_FEATURE /* a function whose networks are told more than flows' features says how */
#define MEDULLA_OWN_FEATURE(number) 0
#endif

#define MEDULLA_IS_OF_PAIR(place, scale, name)                                                              \
	|| ((__u32)FLOW_##name >= FLOW_recent_bytes_1 && (__u32)FLOW_##name < FLOW_last_source)
#define MEDULLA_REMEMBERS_PAIRS (0 MEDULLA_FLOW_INPUTS(MEDULLA_IS_OF_PAIR))
#define MEDULLA_IS_OF_LAST(place, scale, name)                                                              \
	|| ((__u32)FLOW_##name >= FLOW_last_source && (__u32)FLOW_##name < FLOW_FEATURE_COUNT)
#define MEDULLA_REMEMBERS_LAST (0 MEDULLA_FLOW_INPUTS(MEDULLA_IS_OF_LAST))

#define MEDULLA_QUESTION
#include "flow_features.bpf.h"

/* What a network is asked and answers; too much for the stack where it has many outputs. */
struct medulla_question {
	struct medulla_features inputs;
	struct medulla_outputs outputs;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_question);
} medulla_questions SEC(".maps");

static __always_inline struct medulla_question *medulla_get_question(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&medulla_questions, &zero);
}

#define MEDULLA_IS_OWN(name) ((__u32)FLOW_##name >= (__u32)FLOW_FEATURE_COUNT)

/* Each is written before the next is begun: the ways through one feature's formula come together there. */
#define MEDULLA_WRITE_INPUT(place, scale, value)                                                            \
	({                                                                                                  \
		question->inputs.words[place] =                                                             \
			flow_input_##scale(value, MEDULLA_FEATURE_FRACTION_BITS);                           \
		MEDULLA_BARRIER();                                                                          \
	})
#define MEDULLA_WRITE_MEASURED(place, scale, name)                                                          \
	if (!MEDULLA_IS_OWN(name))                                                                          \
		MEDULLA_WRITE_INPUT(place, scale, flow_feature(state, (enum flow_feature)FLOW_##name));
#define MEDULLA_WRITE_OWN(place, scale, name)                                                               \
	if (MEDULLA_IS_OWN(name))                                                                           \
		MEDULLA_WRITE_INPUT(place, scale, MEDULLA_OWN_FEATURE((__u32)FLOW_##name));

/* The flow's features as they are now, in this processor's own memory until the next call. They are made
 * under the flow's lock, where nothing may be called, so that no copy of its measures is needed. */
static __always_inline struct medulla_question *medulla_question_of(struct medulla_flow *flow)
{
	struct medulla_question *question = medulla_get_question();
	const struct flow_state *state = (const struct flow_state *)flow->memory;
	struct medulla_lock *lock = medulla_lock_of(flow);

	if (!question || !lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	MEDULLA_FLOW_INPUTS(MEDULLA_WRITE_MEASURED)
	bpf_spin_unlock(&lock->lock);
	MEDULLA_FLOW_INPUTS(MEDULLA_WRITE_OWN)
	return question;
}

#endif /* MEDULLA_FLOW_INPUTS_BPF_H */
