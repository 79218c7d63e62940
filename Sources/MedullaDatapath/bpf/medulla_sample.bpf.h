/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Samples go up through a ring without wakeups: the slow path drains it by its own timer. A full ring, or a
 * slow path that is dead, costs a count; packets never wait.
 */
#ifndef MEDULLA_SAMPLE_BPF_H
#define MEDULLA_SAMPLE_BPF_H

struct medulla_sample {
	struct medulla_sample_header header;
	__s64 features[MEDULLA_INPUTS];
	__s64 outputs[MEDULLA_OUTPUTS];
	__s64 shadow[MEDULLA_OUTPUTS];
	__s64 outcomes[MEDULLA_OUTCOMES];
};

/* These three are the instance's too: a program set that comes later uses them. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MEDULLA_SAMPLE_BYTES);
} medulla_samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_totals);
} medulla_totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_shared);
} medulla_shared SEC(".maps");

/* A number that no other flow of the instance has or had: the processor, and its flows so far; 0: none. */
static __always_inline __u64 medulla_new_flow(void)
{
	__u32 zero = 0;
	struct medulla_totals *totals = bpf_map_lookup_elem(&medulla_totals, &zero);

	return totals ? (__u64)bpf_get_smp_processor_id() << MEDULLA_FLOW_NUMBER_BITS |
				(__sync_fetch_and_add(&totals->flows, 1) + 1)
		      : 0;
}

/* Room for one sample with a header that says whose it is; 0, and counted, when the ring is full. Whoever
 * gets one fills all its words and gives it to `medulla_send_sample`. */
static __always_inline struct medulla_sample *medulla_reserve_sample(__u64 flow, __u32 slot, __u64 version)
{
	struct medulla_sample *sample = bpf_ringbuf_reserve(&medulla_samples, sizeof(*sample), 0);
	struct medulla_counts *counts = medulla_get_counts(slot);
	__u32 zero = 0;
	struct medulla_totals *totals = bpf_map_lookup_elem(&medulla_totals, &zero);

	if (!sample) {
		if (counts)
			medulla_count(&counts->samples_dropped, 1);
		if (totals)
			medulla_count(&totals->samples_dropped, 1);
		return 0;
	}
	if (counts)
		medulla_count(&counts->samples, 1);
	/* The processor, and its samples so far. Counted in one step: a packet that comes in between on the
	 * same processor must not take the same number. */
	sample->header.id = totals ? (__u64)bpf_get_smp_processor_id() << MEDULLA_SAMPLE_NUMBER_BITS |
					     (__sync_fetch_and_add(&totals->samples, 1) + 1)
				   : 0;
	sample->header.time_ns = bpf_ktime_get_ns();
	sample->header.flow = flow;
	sample->header.version = version;
	sample->header.slot = slot;
	sample->header.flags = MEDULLA_SAMPLE_VALID;
	sample->header.inputs = MEDULLA_INPUTS;
	sample->header.outputs = MEDULLA_OUTPUTS;
	sample->header.outcomes = 0;
	sample->header.reserved = 0;
	return sample;
}

static __always_inline void medulla_send_sample(struct medulla_sample *sample)
{
	bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
}

#endif /* MEDULLA_SAMPLE_BPF_H */
