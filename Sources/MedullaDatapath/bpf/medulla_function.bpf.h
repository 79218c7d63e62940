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

/* Registers the program `function` (`SEC("tc")` or `SEC("xdp")`) for a network of these sizes. */
#define MEDULLA_FUNCTION(function, input_count, output_count)                                               \
	const struct medulla_registration medulla_registration SEC(".rodata.medulla")                      \
		__attribute__((used)) = {                                                                   \
			.interface_version = MEDULLA_INTERFACE_VERSION,                                     \
			.inputs = (input_count),                                                            \
			.outputs = (output_count),                                                          \
			.name = #function,                                                                  \
		}

/*
 * A flow as a function keeps it (`medulla_packet.bpf.h` has a table of them). All program sets of an instance
 * come from one source, so that they agree on it; the dispatcher knows only its pin.
 */
struct medulla_flow {
	__u64 pin; /* with the flow's number above it; MEDULLA_NO_PIN: on no slot */
	__u64 number;	 /* in the instance; 0: it is not kept */
	__u64 last_ns;	 /* CLOCK_MONOTONIC of its last packet */
	__u64 decisions; /* of this flow; without a flow, of this processor */
	__u64 decided;	 /* which decision `last` is about; 0: none, or it is being written */
	__u32 place;	 /* among those that the sweep goes over */
	__u32 ended;	 /* its end was seen: it only waits for late packets */
	__s64 memory[MEDULLA_FLOW_WORDS]; /* the function's own; 0 in a new flow */
	struct medulla_decision last;
};

_Static_assert(__builtin_offsetof(struct medulla_flow, pin) == 0, "the dispatcher reads the pin first");
_Static_assert(__builtin_offsetof(struct medulla_flow, last_ns) ==
		       __builtin_offsetof(struct medulla_flow_head, last_ns) &&
	       __builtin_offsetof(struct medulla_flow, memory) == sizeof(struct medulla_flow_head),
	       "others read the same head");

/*
 * One decision for a flow, on its own snapshot: features in, outputs out, both fixed point in the shape's
 * formats. 0, or -1 when there was no snapshot or no workspace. Not static: the verifier walks it once, for
 * any flow, instead of on each way that leads to it.
 *
 * Two processors may decide for one flow at once, and the last to write `last` wins. `decided` is 0 while it
 * is written and says afterwards which decision it is of.
 */
__noinline int medulla_decide_flow(struct medulla_flow *flow, const struct medulla_features *features,
				   struct medulla_outputs *outputs)
{
	const struct medulla_control *control = medulla_get_control();
	struct medulla_asking asking;
	__s64 *into;
	__u64 number;
	__u32 slot;

	if (!flow || !features || !outputs || !control)
		return -1;
	slot = medulla_follow(control, &flow->pin, flow->last_ns);
	if (slot >= MEDULLA_SLOTS)
		slot = medulla_active_slot(control);
	if (medulla_begin_decision(&asking, control, slot))
		return -1;
	into = medulla_features_of(&asking);
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		into[i] = features->words[i];
	medulla_store_ordered(&flow->decided, 0);
	number = __sync_fetch_and_add(&flow->decisions, 1) + 1;
	medulla_end_decision(&asking, number, flow->number, outputs, &flow->last);
	medulla_store_ordered(&flow->decided, number);
	return 0;
}

/* features: a pointer to __s64[MEDULLA_INPUTS], outputs: to __s64[MEDULLA_OUTPUTS]; checked when compiled. */
#define medulla_decide(flow, features, outputs)                                                            \
	({                                                                                                  \
		MEDULLA_CHECK_SIZES(features, outputs);                                                     \
		medulla_decide_flow(flow, (const struct medulla_features *)(features),                      \
				    (struct medulla_outputs *)(outputs));                           \
	})

/* Whether the flow's last decision is to go up. A look that costs nothing: most decisions are no samples. */
static __always_inline int medulla_is_sampled(const struct medulla_flow *flow)
{
	return !!(*(const volatile __u32 *)&flow->last.flags & MEDULLA_SAMPLE_VALID);
}

static __always_inline int medulla_sample_flow(struct medulla_flow *flow, const __s64 *features,
					       const __s64 *outputs, const __s64 *outcomes, __u32 count)
{
	struct medulla_sample *sample;
	__u64 decided;
	__u32 flags;

	if (!medulla_is_sampled(flow))
		return 0;
	decided = medulla_load_ordered(&flow->decided);
	/* A shadow counts only when no other decision has been written meanwhile. */
	flags = flow->last.flags;
	if (!decided || !(flags & MEDULLA_SAMPLE_VALID))
		return 0;
	sample = medulla_reserve_sample(flow->number, flow->last.slot, flow->last.version);
	if (!sample)
		return 0;
	sample->header.outcomes = count < MEDULLA_OUTCOMES ? count : MEDULLA_OUTCOMES;
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		sample->features[i] = features[i];
	for (int i = 0; i < MEDULLA_OUTPUTS; i++) {
		sample->outputs[i] = outputs[i];
		sample->shadow[i] = flags & MEDULLA_SAMPLE_SHADOW ? flow->last.shadow[i] : 0;
	}
	if (medulla_load_ordered(&flow->decided) == decided)
		sample->header.flags = flags;
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
