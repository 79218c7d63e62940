/* SPDX-License-Identifier: GPL-2.0 */
/* What a flow's class is, and what follows of it for a packet. The same at tc and XDP. */
#ifndef MEDULLA_CLASSIFIER_BPF_H
#define MEDULLA_CLASSIFIER_BPF_H

#include "kernel_types.h"

#include "classifier_intf.h"

#define MEDULLA_OWN_WORDS (sizeof(struct classifier_flow) / 8)

/* A flow that was decided, once and for all, is measured no further. */
struct medulla_flow;
static __always_inline int classifier_is_settled(const struct medulla_flow *flow);
#define MEDULLA_IS_SETTLED(flow) classifier_is_settled(flow)

#include "flow_inputs.bpf.h"

_Static_assert(MEDULLA_OUTPUTS <= CLASSIFIER_CLASSES, "classes have rows");
_Static_assert(__builtin_offsetof(struct classifier_entry, own) ==
		       __builtin_offsetof(struct medulla_flow, memory) + 8 * MEDULLA_MEASURE_WORDS,
	       "others read the same entry");

/* All of them are the instance's: another program set goes on with them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct classifier_settings);
} classifier_settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CLASSIFIER_ROWS);
	__type(key, __u32);
	__type(value, struct classifier_counts);
} classifier_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CLASSIFIER_RING_BYTES);
} classifier_mirrors SEC(".maps");

/* When the limit of a row is free again, in nanoseconds. */
struct classifier_bucket {
	__u64 free_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLASSIFIER_ROWS);
	__type(key, __u32);
	__type(value, struct classifier_bucket);
} classifier_buckets SEC(".maps");

/* What user space has found out of flows that the network is unsure of: the row plus one, by the flow's
 * number. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLASSIFIER_ANSWERS);
	__type(key, __u64);
	__type(value, __u64);
} classifier_answers SEC(".maps");

/* What becomes of a packet, beside that it is counted. */
struct classifier_verdict {
	__u32 row;
	__u32 action; /* CLASSIFIER_COUNT when a limit lets it pass, CLASSIFIER_DROP when not */
	__u32 value;
	__u32 reserved;
	__u64 flow;
	__s64 margin;
};

static __always_inline struct classifier_flow *classifier_own(struct medulla_flow *flow)
{
	return (struct classifier_flow *)(flow->memory + MEDULLA_MEASURE_WORDS);
}

static __always_inline const struct flow_state *classifier_state(const struct medulla_flow *flow)
{
	return (const struct flow_state *)flow->memory;
}

static __always_inline int classifier_is_settled(const struct medulla_flow *flow)
{
	__u32 zero = 0;
	const struct classifier_settings *settings = bpf_map_lookup_elem(&classifier_settings, &zero);
	const struct classifier_flow *own =
		(const struct classifier_flow *)(flow->memory + MEDULLA_MEASURE_WORDS);

	return settings && own->row && settings->moment != FLOW_EVERY_PACKET;
}

static __always_inline __u64 classifier_packets(const struct medulla_flow *flow)
{
	const struct flow_state *state = classifier_state(flow);

	return (__u64)state->ways[0].lengths.count + state->ways[1].lengths.count;
}

/* The last bytes of an address, of IPv4 all. */
static __always_inline __s64 classifier_address(const __u8 *address, __u8 version)
{
	__u64 word;

	__builtin_memcpy(&word, version == 6 ? address + 8 : address, sizeof(word));
	return (__s64)word;
}

/* The first eight bytes of IPv6's. */
static __always_inline __s64 classifier_prefix(const __u8 *address, __u8 version)
{
	__u64 word;

	__builtin_memcpy(&word, address, sizeof(word));
	return version == 6 ? (__s64)word : 0;
}

/* Tells the slow path which flow it was. A function of its own, for the sake of the stack. */
__noinline int classifier_tell(struct medulla_flow *flow, const struct medulla_packet *packet)
{
	const struct medulla_question *question = medulla_get_question();
	__s64 outcomes[CLASSIFIER_OUTCOMES];
	const struct medulla_flow_key *key;
	const struct flow_state *state;
	struct classifier_flow *own;
	__s64 from, to;
	__u32 reversed;

	if (!flow || !packet || !question)
		return 0;
	key = &packet->key;
	state = classifier_state(flow);
	own = classifier_own(flow);
	from = classifier_address(key->source, key->version);
	to = classifier_address(key->destination, key->version);
	outcomes[CLASSIFIER_OUTCOME_CLASS] = (__s64)own->row - 1;
	outcomes[CLASSIFIER_OUTCOME_MARGIN] = own->margin;
	outcomes[CLASSIFIER_OUTCOME_PACKETS] = (__s64)classifier_packets(flow);
	outcomes[CLASSIFIER_OUTCOME_BYTES] =
		(__s64)(state->ways[0].lengths.sum + state->ways[1].lengths.sum);
	reversed = state->reversed;
	outcomes[CLASSIFIER_OUTCOME_SOURCE] = reversed ? to : from;
	outcomes[CLASSIFIER_OUTCOME_DESTINATION] = reversed ? from : to;
	outcomes[CLASSIFIER_OUTCOME_PORTS] = (__s64)bpf_ntohs(state->ports[0]) << 48 |
					     (__s64)bpf_ntohs(state->ports[1]) << 32 |
					     (__s64)state->protocol << 24 | (__s64)key->version << 16;
	from = classifier_prefix(key->source, key->version);
	to = classifier_prefix(key->destination, key->version);
	outcomes[CLASSIFIER_OUTCOME_SOURCE_PREFIX] = reversed ? to : from;
	outcomes[CLASSIFIER_OUTCOME_DESTINATION_PREFIX] = reversed ? from : to;
	return medulla_sample_flow(flow, question->inputs.words, question->outputs.words, outcomes,
				   CLASSIFIER_OUTCOMES);
}

/* All ones where a < b, else 0. Without a branch, of which the verifier would follow both ways for each
 * class. */
static __always_inline __u64 classifier_less(__s64 a, __s64 b)
{
	__u64 difference = (__u64)a - (__u64)b;

	return (__u64)((__s64)(difference ^ (((__u64)a ^ (__u64)b) & (difference ^ (__u64)a))) >> 63);
}

static __always_inline __u64 classifier_choose(__u64 is_first, __u64 first, __u64 second)
{
	return second ^ ((first ^ second) & is_first);
}

/* The class with the largest output, the first of equal ones, and how far the next one is behind. */
__noinline __u64 classifier_largest(const struct medulla_outputs *outputs, __s64 *margin)
{
	__s64 largest, second = (__s64)(1ULL << 63);
	__u64 at = 0;

	if (!outputs || !margin)
		return 0;
	largest = outputs->words[0];
	MEDULLA_LOOP
	for (int i = 1; i < MEDULLA_OUTPUTS; i++) {
		__s64 output = outputs->words[i];
		__u64 is_larger = classifier_less(largest, output);
		__s64 lesser = (__s64)classifier_choose(is_larger, largest, output);

		at = classifier_choose(is_larger, i, at);
		largest = (__s64)classifier_choose(is_larger, output, largest);
		second = (__s64)classifier_choose(classifier_less(second, lesser), lesser, second);
	}
	/* With one output only there is no other class. */
	*margin = MEDULLA_OUTPUTS > 1 ? largest - second : 0;
	return at;
}

/* Decides what the flow is of, with its features as they are now. */
__noinline int classifier_decide(struct medulla_flow *flow, const struct medulla_packet *packet)
{
	__u32 zero = 0;
	const struct classifier_settings *settings = bpf_map_lookup_elem(&classifier_settings, &zero);
	struct medulla_question *question;
	struct classifier_counts *counts;
	struct classifier_flow *own;
	__s64 margin = 0;
	__u64 row;
	__u32 at;

	if (!flow || !packet || !settings)
		return 0;
	question = medulla_question_of(flow);
	if (!question || medulla_decide_flow(flow, &question->inputs, &question->outputs))
		return 0;
	row = classifier_largest(&question->outputs, &margin);
	if (margin < settings->margin)
		row = CLASSIFIER_UNSURE;
	own = classifier_own(flow);
	if (own->row != row + 1) {
		at = (__u32)row;
		counts = bpf_map_lookup_elem(&classifier_counts, &at);
		if (counts)
			medulla_count(&counts->flows, 1);
	}
	own->margin = margin;
	own->row = row + 1;
	if (medulla_is_sampled(flow))
		classifier_tell(flow, packet);
	return 1;
}

/* Whether a packet of so many bytes goes through the row's limit now. */
static __always_inline int classifier_passes(__u32 row, const struct classifier_rule *rule, __u32 bytes)
{
	struct classifier_bucket *bucket = bpf_map_lookup_elem(&classifier_buckets, &row);
	__u64 now = bpf_ktime_get_ns(), cost = bytes * rule->byte_ps / 1000, free, next;

	if (!bucket)
		return 0;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		free = *(volatile __u64 *)&bucket->free_ns;
		next = free + rule->burst_ns < now ? now - rule->burst_ns : free;
		if (next > now)
			return 0;
		if (__sync_val_compare_and_swap(&bucket->free_ns, free, next + cost) == free)
			return 1;
	}
	/* Other processors were quicker four times: at a limit, rather dropped than over it. */
	return 0;
}

/* Counts the packet in its row, and says what the row's rule makes of it. */
__noinline int classifier_apply(struct classifier_verdict *verdict, __u32 bytes, __u32 packets)
{
	__u32 zero = 0, row;
	const struct classifier_settings *settings = bpf_map_lookup_elem(&classifier_settings, &zero);
	const struct classifier_rule *rule;
	struct classifier_counts *counts;

	if (!verdict || !settings)
		return 0;
	row = verdict->row;
	if (row >= CLASSIFIER_ROWS)
		return 0;
	rule = &settings->rules[row];
	counts = bpf_map_lookup_elem(&classifier_counts, &row);
	if (!counts)
		return 0;
	verdict->action = rule->action;
	verdict->value = rule->value;
	if (rule->action == CLASSIFIER_LIMIT)
		verdict->action =
			classifier_passes(row, rule, bytes) ? CLASSIFIER_COUNT : CLASSIFIER_DROP;
	medulla_count_alone(&counts->packets, packets);
	medulla_count_alone(&counts->bytes, bytes);
	if (verdict->action == CLASSIFIER_DROP)
		medulla_count_alone(&counts->dropped, packets);
	return 1;
}

/* The row of a flow that the network is unsure of: user space may have found out meanwhile, and then that is
 * the flow's. */
__noinline __u32 classifier_asked(struct medulla_flow *flow)
{
	struct classifier_counts *counts;
	__u64 number, *answer, row;
	__u32 at;

	if (!flow)
		return CLASSIFIER_UNSURE;
	number = flow->number;
	answer = bpf_map_lookup_elem(&classifier_answers, &number);
	if (!answer)
		return CLASSIFIER_UNSURE;
	row = *answer - 1;
	if (row >= CLASSIFIER_CLASSES)
		return CLASSIFIER_UNSURE;
	classifier_own(flow)->row = row + 1;
	at = (__u32)row;
	counts = bpf_map_lookup_elem(&classifier_counts, &at);
	if (counts)
		medulla_count(&counts->answered, 1);
	return at;
}

/* What the flow is of, decided now when it is time. */
static __always_inline void classifier_judge(struct medulla_flow *flow, const struct medulla_packet *packet,
					     struct classifier_verdict *verdict)
{
	__u32 zero = 0;
	const struct classifier_settings *settings = bpf_map_lookup_elem(&classifier_settings, &zero);
	struct classifier_flow *own = classifier_own(flow);

	if (settings && flow_is_time(classifier_state(flow), settings->moment, !!own->row))
		classifier_decide(flow, packet);
	verdict->row = own->row ? (__u32)own->row - 1 : CLASSIFIER_PENDING;
	if (verdict->row == CLASSIFIER_UNSURE)
		verdict->row = classifier_asked(flow);
	verdict->flow = flow->number;
	verdict->margin = own->margin;
}

/* Room in the ring for a packet that is mirrored; 0 and counted when there is none. */
static __always_inline struct classifier_mirrored *
classifier_reserve(const struct classifier_verdict *verdict, __u32 length)
{
	__u32 row = verdict->row;
	struct classifier_counts *counts = bpf_map_lookup_elem(&classifier_counts, &row);
	struct classifier_mirrored *mirrored;

	mirrored = bpf_ringbuf_reserve(&classifier_mirrors, sizeof(*mirrored), 0);
	if (counts)
		medulla_count(mirrored ? &counts->mirrored : &counts->mirrors_lost, 1);
	if (!mirrored)
		return 0;
	mirrored->time_ns = bpf_ktime_get_ns();
	mirrored->flow = verdict->flow;
	mirrored->margin = verdict->margin;
	mirrored->row = row;
	mirrored->length = length;
	mirrored->captured = 0;
	mirrored->reserved = 0;
	return mirrored;
}

#endif /* MEDULLA_CLASSIFIER_BPF_H */
