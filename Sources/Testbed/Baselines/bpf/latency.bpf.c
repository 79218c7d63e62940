// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's part of the latency comparison, all by test run: `medulla_live` infers in the kernel,
 * `latency_empty` is what a test run costs, and `latency_ask` sends the features up the ring for user space
 * to answer in `latency_answers`.
 */
#include "medulla.bpf.h"
#include "latency.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LATENCY_RING_BYTES);
} latency_questions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct latency_answer);
} latency_answers SEC(".maps");

/* The number of the last question. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} latency_numbers SEC(".maps");

SEC("tc")
int latency_empty(struct __sk_buff *skb)
{
	return 0;
}

SEC("tc")
int latency_ask(struct __sk_buff *skb)
{
	__u32 zero = 0;
	const struct medulla_features *features = bpf_map_lookup_elem(&live_features, &zero);
	__u64 *number = bpf_map_lookup_elem(&latency_numbers, &zero);
	struct latency_question *question;

	if (!features || !number)
		return -1;
	question = bpf_ringbuf_reserve(&latency_questions, sizeof(*question), 0);
	if (!question)
		return -1;
	question->time_ns = bpf_ktime_get_ns();
	question->number = ++*number;
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		question->features[i] = features->words[i];
	bpf_ringbuf_submit(question, BPF_RB_FORCE_WAKEUP);
	return 0;
}
