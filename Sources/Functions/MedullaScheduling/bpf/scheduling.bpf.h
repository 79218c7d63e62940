/* SPDX-License-Identifier: GPL-2.0 */
/* How large a flow will be, which band that is, and what is learned when it ends. */
#ifndef MEDULLA_SCHEDULING_BPF_H
#define MEDULLA_SCHEDULING_BPF_H

#include "kernel_types.h"

#include "scheduling_intf.h"
#include "shape.h"

/* What scheduling keeps of a flow, after its measures. */
struct scheduling_flow {
	__u32 band; /* that it is in now, plus one; 0: not decided yet */
	__u32 predicted; /* the band that the network said */
	__u32 ended; /* its end was told */
	__u32 reserved;
	__s64 output;
	__s64 inputs[MEDULLA_INPUTS]; /* by which it was decided */
};

#define MEDULLA_OWN_WORDS (sizeof(struct scheduling_flow) / 8)

#include "flow_inputs.bpf.h"

/* All are the instance's: another program set goes on with them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scheduling_settings);
} scheduling_settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCHEDULING_BANDS);
	__type(key, __u32);
	__type(value, struct scheduling_counts);
} scheduling_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scheduling_sizes);
} scheduling_sizes SEC(".maps");

static __always_inline struct scheduling_flow *scheduling_own(struct medulla_flow *flow)
{
	return (struct scheduling_flow *)(flow->memory + MEDULLA_MEASURE_WORDS);
}

static __always_inline const struct flow_state *scheduling_state(const struct medulla_flow *flow)
{
	return (const struct flow_state *)flow->memory;
}

/* Of both directions, where both pass. */
static __always_inline __u64 scheduling_bytes(const struct flow_state *state)
{
	return state->ways[0].lengths.sum + state->ways[1].lengths.sum;
}

static __always_inline const struct scheduling_settings *scheduling_get_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scheduling_settings, &zero);
}

static __always_inline struct scheduling_counts *scheduling_get_counts(__u32 band)
{
	return bpf_map_lookup_elem(&scheduling_counts, &band);
}

/* The first band whose limit the value does not pass; the last one else. */
static __always_inline __u32 scheduling_band(const struct scheduling_settings *settings, const __s64 *limits,
					     __s64 value)
{
	__u32 band = 0;

#pragma unroll
	for (__u32 i = 0; i < SCHEDULING_BANDS - 1; i++)
		band += i + 1 < settings->bands && value > limits[i];
	return band;
}

/* Asks how large the flow will be. */
__noinline int scheduling_decide(struct medulla_flow *flow)
{
	const struct scheduling_settings *settings = scheduling_get_settings();
	struct scheduling_counts *counts;
	struct medulla_question *question;
	struct scheduling_flow *own;
	__u32 band;

	if (!flow || !settings)
		return 0;
	question = medulla_question_of(flow);
	if (!question || medulla_decide_flow(flow, &question->inputs, &question->outputs))
		return 0;
	own = scheduling_own(flow);
	band = scheduling_band(settings, settings->limits_log2, question->outputs.words[0]);
	if (!own->band || own->predicted != band) {
		counts = scheduling_get_counts(band);
		if (counts)
			medulla_count(&counts->flows, 1);
	}
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		own->inputs[i] = question->inputs.words[i];
	own->output = question->outputs.words[0];
	own->predicted = band;
	own->band = band + 1;
	return 1;
}

/* The most bytes of a flow whose size is in the bin. */
static __always_inline __u64 scheduling_edge(__u32 bin)
{
	__u32 next = bin + 1, power = next >> 2;
	/* Straight between powers of two, as the logarithm is. */
	__u64 edge = power < 62 ? (1ULL << power) + ((1ULL << power) * (next & 3) >> 2) : 1ULL << 62;

	return edge > 2 ? edge - 2 : 0;
}

/* Limits anew, of the sizes so far. The loop has no branch, of which the verifier would walk both ways. */
__noinline int scheduling_learn(struct scheduling_sizes *sizes)
{
	__u32 zero = 0;
	struct scheduling_settings *settings = bpf_map_lookup_elem(&scheduling_settings, &zero);
	__u64 total = 0, sum = 0, bins[SCHEDULING_BANDS] = {}, halves;

	if (!sizes || !settings)
		return 0;
	MEDULLA_LOOP
	for (int i = 0; i < SCHEDULING_BINS; i++)
		total += sizes->counts[i];
	halves = total > SCHEDULING_MEMORY;
	MEDULLA_LOOP
	for (int i = 0; i < SCHEDULING_BINS; i++) {
		sum += sizes->counts[i];
		sizes->counts[i] >>= halves;
		/* A limit's bin is the number of those before it that hold too few flows. */
#pragma unroll
		for (int band = 0; band < SCHEDULING_BANDS - 1; band++)
			bins[band] += (sum * 1000000 - total * settings->shares[band]) >> 63;
	}
#pragma unroll
	for (int band = 0; band < SCHEDULING_BANDS - 1; band++) {
		__u64 limit = scheduling_edge((__u32)bins[band] & (SCHEDULING_BINS - 1));

		if (band + 1 < settings->bands) {
			settings->limits[band] = limit;
			settings->limits_log2[band] =
				flow_input_log2(limit, MEDULLA_OUTPUT_FRACTION_BITS);
		}
	}
	return 1;
}

/* Notes the size of a flow that has ended. */
__noinline int scheduling_note(__u64 bytes)
{
	__u32 zero = 0, bin = (__u32)flow_input_log2(bytes, 2);
	struct scheduling_sizes *sizes = bpf_map_lookup_elem(&scheduling_sizes, &zero);

	if (!sizes)
		return 0;
	/* The compiler knows that it is below, the verifier does not. */
	MEDULLA_HOLD(bin);
	bin &= SCHEDULING_BINS - 1;
	__sync_fetch_and_add(&sizes->counts[bin], 1);
	if ((__sync_fetch_and_add(&sizes->ended, 1) + 1) % SCHEDULING_LEARNS_EVERY)
		return 0;
	return scheduling_learn(sizes);
}

/* A flow that has ended: its true size is known, and goes up with what was said of it. */
__noinline int scheduling_end(struct medulla_flow *flow)
{
	const struct scheduling_settings *settings = scheduling_get_settings();
	__s64 outcomes[SCHEDULING_OUTCOMES];
	const struct flow_state *state;
	struct scheduling_counts *counts;
	struct scheduling_flow *own;
	__u64 bytes;

	if (!flow || !settings)
		return 0;
	own = scheduling_own(flow);
	state = scheduling_state(flow);
	if (!own->band || own->ended)
		return 0;
	own->ended = 1;
	bytes = scheduling_bytes(state);
	counts = scheduling_get_counts(own->predicted);
	if (counts) {
		medulla_count(&counts->ended, 1);
		if (scheduling_band(settings, (const __s64 *)settings->limits, (__s64)bytes) ==
		    own->predicted)
			medulla_count(&counts->right, 1);
	}
	if (settings->learns)
		scheduling_note(bytes);
	outcomes[SCHEDULING_OUTCOME_SIZE] = flow_input_log2(bytes, MEDULLA_OUTPUT_FRACTION_BITS);
	outcomes[SCHEDULING_OUTCOME_BYTES] = (__s64)bytes;
	outcomes[SCHEDULING_OUTCOME_PACKETS] =
		(__s64)state->ways[0].lengths.count + state->ways[1].lengths.count;
	outcomes[SCHEDULING_OUTCOME_DURATION] = (__s64)(state->last_us - state->begun_us);
	outcomes[SCHEDULING_OUTCOME_BAND] = own->predicted;
	return medulla_sample_flow(flow, own->inputs, &own->output, outcomes, SCHEDULING_OUTCOMES);
}

/* The band of the packet, which is counted in it; SCHEDULING_BANDS: none, its flow is not decided yet. */
__noinline __u32 scheduling_place(struct medulla_flow *flow, const struct flow_packet *seen)
{
	const struct scheduling_settings *settings = scheduling_get_settings();
	struct scheduling_counts *counts;
	struct scheduling_flow *own;
	__u32 band, least;

	if (!flow || !seen || !settings)
		return SCHEDULING_BANDS;
	own = scheduling_own(flow);
	if (flow_is_time(scheduling_state(flow), settings->moment, !!own->band))
		scheduling_decide(flow);
	if (!own->band)
		return SCHEDULING_BANDS;
	band = own->band - 1;
	least = scheduling_band(settings, (const __s64 *)settings->limits,
				(__s64)scheduling_bytes(scheduling_state(flow)));
	if (settings->demotes && band < least) {
		counts = scheduling_get_counts(band);
		if (counts)
			medulla_count(&counts->demoted, 1);
		band = least;
		own->band = band + 1;
	}
	counts = scheduling_get_counts(band);
	if (counts) {
		medulla_count_alone(&counts->packets, seen->segments);
		medulla_count_alone(&counts->bytes, seen->length);
	}
	if (flow->ended)
		scheduling_end(flow);
	return band;
}

#endif /* MEDULLA_SCHEDULING_BPF_H */
