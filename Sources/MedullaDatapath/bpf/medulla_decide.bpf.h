/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one way of a decision, of every function: the slot's image, working memory, the network, the shadow
 * beside it, what is counted, and whether a sample of it goes up. A function brings features and takes
 * outputs:
 *
 *	if (medulla_begin_decision(&asking, control, slot))
 *		return -1;
 *	(MEDULLA_INPUTS words to medulla_features_of(&asking))
 *	medulla_end_decision(&asking, number, flow, &outputs, &decision);
 *
 * Between the two the workspace is this decision's own, and nothing may return.
 */
#ifndef MEDULLA_DECIDE_BPF_H
#define MEDULLA_DECIDE_BPF_H

/* A decision that is being made; never in memory that others see. */
struct medulla_asking {
	const struct medulla_control *control;
	const struct medulla_image *image;
	struct medulla_workspace *workspace;
	struct medulla_counts *counts;
	__u64 begin_ns; /* 0: not measured */
	__u32 slot;
};

/* What is kept of a decision for the sample of it. */
struct medulla_decision {
	__u64 version; /* of the snapshot that decided: its slot may hold another when the sample goes up */
	__u32 slot;
	__u32 flags; /* of the sample; without MEDULLA_SAMPLE_VALID it is none of every n-th */
	__s64 shadow[MEDULLA_OUTPUTS]; /* what the staged snapshot said, with MEDULLA_SAMPLE_SHADOW */
};

/* Whether the `number`-th decision of a flow is one of every `every`. Flows begin at different phases, so
 * that many short ones are seen as often as one long one. */
static __always_inline int medulla_is_nth(__u64 number, __u64 flow, __u32 every)
{
	return every && (number + flow) % every == 0;
}

/* 0, or -1 when the slot does not exist or, which is counted, every workspace is taken. */
static __always_inline int medulla_begin_decision(struct medulla_asking *asking,
						  const struct medulla_control *control, __u32 slot)
{
	asking->control = control;
	asking->slot = slot;
	asking->begin_ns = 0;
	asking->image = bpf_map_lookup_elem(&medulla_slots, &slot);
	asking->counts = medulla_get_counts(slot);
	if (!asking->image || !asking->counts)
		return -1;
	asking->workspace = medulla_take_workspace();
	if (!asking->workspace) {
		medulla_count(&asking->counts->contended, 1);
		return -1;
	}
	if (control->options & MEDULLA_MEASURE)
		asking->begin_ns = bpf_ktime_get_ns();
	return 0;
}

/* Where the features of the decision go, in the shape's fixed point. */
static __always_inline __s64 *medulla_features_of(struct medulla_asking *asking)
{
	return asking->workspace->scratch.words + MEDULLA_FEATURES_OFFSET;
}

/*
 * Infers, and gives the workspace back. number: of the decision in its flow; flow: the flow's own number.
 * Shadow and sample go by the same two, so that what is sampled is what was shadowed.
 */
static __always_inline void medulla_end_decision(struct medulla_asking *asking, __u64 number, __u64 flow,
						 struct medulla_outputs *outputs,
						 struct medulla_decision *decision)
{
	const struct medulla_control *control = asking->control;
	struct medulla_scratch *scratch = &asking->workspace->scratch;
	struct medulla_counts *counts = asking->counts;
	__u32 flags = 0;

	medulla_run(asking->image, scratch);
	for (int i = 0; i < MEDULLA_OUTPUTS; i++)
		outputs->words[i] = scratch->words[MEDULLA_OUTPUTS_OFFSET + i];
	if (asking->begin_ns)
		medulla_count_time(counts, bpf_ktime_get_ns() - asking->begin_ns);
	if (medulla_is_nth(number, flow, control->shadow_every) && medulla_shadow(scratch, outputs)) {
		for (int i = 0; i < MEDULLA_OUTPUTS; i++)
			decision->shadow[i] = scratch->words[MEDULLA_OUTPUTS_OFFSET + i];
		flags = MEDULLA_SAMPLE_SHADOW;
	}
	medulla_give_workspace(asking->workspace);
	MEDULLA_COUNT(&counts->inferences, 1);
	MEDULLA_COUNT(&counts->decisions, 1);
	if (medulla_is_nth(number, flow, control->sample_every))
		flags |= MEDULLA_SAMPLE_VALID;
	decision->version = asking->slot < MEDULLA_SLOTS ? control->slots[asking->slot].version : 0;
	decision->slot = asking->slot;
	decision->flags = flags;
}

#endif /* MEDULLA_DECIDE_BPF_H */
