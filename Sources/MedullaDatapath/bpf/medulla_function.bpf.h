/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a function of a user's own needs beside the network: it registers its sizes, decides for a flow, and
 * sends samples up. `MEDULLA_FUNCTION` is LiteFlow's `lf_register_io`, `medulla_decide` its `lf_query_model`
 * (Table 1).
 */
#ifndef MEDULLA_FUNCTION_BPF_H
#define MEDULLA_FUNCTION_BPF_H

#ifndef MEDULLA_FLOW_WORDS
#define MEDULLA_FLOW_WORDS 8 /* what a function may remember of a flow */
#endif

/* What the loader reads of a function before it loads it. */
struct medulla_registration {
	__u32 interface_version;
	__u32 inputs;
	__u32 outputs;
	__u32 reserved;
	char name[48];
};

_Static_assert(sizeof(struct medulla_registration) == 64, "registration layout");

/* Registers the program `function` (`SEC("tc")` or `SEC("xdp")`) for a network of these sizes. */
#define MEDULLA_FUNCTION(function, input_count, output_count)                                               \
	const struct medulla_registration medulla_registration SEC(".rodata.medulla")                      \
		__attribute__((used)) = {                                                                   \
			.interface_version = MEDULLA_INTERFACE_VERSION,                                     \
			.inputs = (input_count),                                                            \
			.outputs = (output_count),                                                          \
			.name = #function,                                                                  \
		}

/* A flow as a function keeps it (`medulla_packet.bpf.h` has a table of them). */
struct medulla_flow {
	__u64 number;	 /* in the instance; 0: it is not pinned */
	__u64 last_ns;	 /* CLOCK_MONOTONIC of its last packet */
	__u64 decisions; /* of this flow; without a flow, of this processor */
	__u64 shadowed;	 /* which decision `shadow` is about; 0: none */
	__u32 slot;
	__u32 reserved;
	__s64 memory[MEDULLA_FLOW_WORDS]; /* the function's own; 0 in a new flow */
	__s64 shadow[MEDULLA_OUTPUTS];	  /* what the staged snapshot said */
};

/* Keeps what a shadow said of the flow's decision until the sample of it. */
static __always_inline void medulla_keep_shadow(struct medulla_flow *flow, __u64 decision,
						const struct medulla_scratch *scratch)
{
	*(volatile __u64 *)&flow->shadowed = 0;
	MEDULLA_BARRIER();
	for (int i = 0; i < MEDULLA_OUTPUTS; i++)
		flow->shadow[i] = scratch->words[MEDULLA_OUTPUTS_OFFSET + i];
	MEDULLA_BARRIER();
	*(volatile __u64 *)&flow->shadowed = decision;
}

/*
 * One decision for a flow, on its own snapshot: features in, outputs out, both fixed point in the shape's
 * formats, counted, and seen by a shadow. 0, or -1 when there was no snapshot or no workspace.
 */
static __always_inline int medulla_decide_flow(struct medulla_flow *flow, const __s64 *features,
					       struct medulla_outputs *outputs)
{
	const struct medulla_control *control = medulla_get_control();
	const struct medulla_image *image;
	struct medulla_workspace *workspace;
	struct medulla_counts *counts;
	__u64 begin = 0, decision;
	__u32 slot;

	if (!control)
		return -1;
	slot = medulla_follow(control, &flow->slot, flow->last_ns);
	if (slot >= MEDULLA_SLOTS)
		slot = medulla_active_slot(control);
	image = bpf_map_lookup_elem(&medulla_slots, &slot);
	counts = medulla_get_counts(slot);
	if (!image || !counts)
		return -1;
	workspace = medulla_take_workspace();
	if (!workspace) {
		counts->contended++;
		return -1;
	}
	if (control->options & MEDULLA_MEASURE)
		begin = bpf_ktime_get_ns();
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		workspace->scratch.words[MEDULLA_FEATURES_OFFSET + i] = features[i];
	medulla_run(image, &workspace->scratch);
	for (int i = 0; i < MEDULLA_OUTPUTS; i++)
		outputs->words[i] = workspace->scratch.words[MEDULLA_OUTPUTS_OFFSET + i];
	if (begin)
		medulla_count_time(counts, bpf_ktime_get_ns() - begin);
	/* Counted first: a shadow and the sample that follows go by the same number. */
	decision = ++flow->decisions;
	if (medulla_is_nth(decision, flow->number, control->shadow_every) &&
	    medulla_shadow(&workspace->scratch, outputs))
		medulla_keep_shadow(flow, decision, &workspace->scratch);
	medulla_give_workspace(workspace);
	counts->inferences++;
	counts->decisions++;
	return 0;
}

/* features: a pointer to __s64[MEDULLA_INPUTS], outputs: to __s64[MEDULLA_OUTPUTS]; checked when compiled. */
#define medulla_decide(flow, features, outputs)                                                            \
	({                                                                                                  \
		MEDULLA_CHECK_SIZES(features, outputs);                                                     \
		medulla_decide_flow(flow, *(features), (struct medulla_outputs *)(outputs));                \
	})

static __always_inline int medulla_sample_flow(const struct medulla_flow *flow, const __s64 *features,
					       const __s64 *outputs, const __s64 *outcomes, __u32 count)
{
	const struct medulla_control *control = medulla_get_control();
	struct medulla_sample *sample;
	__u64 decision = flow->decisions;
	__u32 slot = flow->slot;
	int shadowed;

	if (!control || !decision || !medulla_is_nth(decision, flow->number, control->sample_every))
		return 0;
	if (slot >= MEDULLA_SLOTS)
		slot = medulla_active_slot(control);
	sample = medulla_reserve_sample(flow->number, slot, medulla_version(slot));
	if (!sample)
		return 0;
	sample->header.outcomes = count < MEDULLA_OUTCOMES ? count : MEDULLA_OUTCOMES;
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		sample->features[i] = features[i];
	shadowed = *(const volatile __u64 *)&flow->shadowed == decision;
	MEDULLA_BARRIER();
	for (int i = 0; i < MEDULLA_OUTPUTS; i++) {
		sample->outputs[i] = outputs[i];
		sample->shadow[i] = shadowed ? flow->shadow[i] : 0;
	}
	MEDULLA_BARRIER();
	/* Another processor may have decided for the same flow meanwhile. */
	if (shadowed && *(const volatile __u64 *)&flow->shadowed == decision)
		sample->header.flags |= MEDULLA_SAMPLE_SHADOW;
	for (__u32 i = 0; i < MEDULLA_OUTCOMES; i++)
		sample->outcomes[i] = i < count ? outcomes[i] : 0;
	medulla_send_sample(sample);
	return 1;
}

/* Sends the flow's last decision up when it is one of every n-th, with `count` words of what followed, at
 * most MEDULLA_OUTCOMES, in the function's own order. 1: it was sent. */
#define medulla_sample(flow, features, outputs, outcomes, count)                                           \
	({                                                                                                  \
		MEDULLA_CHECK_SIZES(features, outputs);                                                     \
		medulla_sample_flow(flow, *(features), *(outputs), outcomes, count);                        \
	})

#endif /* MEDULLA_FUNCTION_BPF_H */
