// SPDX-License-Identifier: GPL-2.0
/*
 * Inference by test run: features in, outputs out. Never attached. `empty` is the cost of the test run
 * itself; `roundtrip` asks user space for the same answer, for comparison.
 */
#include "medulla.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct medulla_features {
	__s64 words[MEDULLA_INPUTS];
};

struct medulla_outputs {
	__s64 words[MEDULLA_OUTPUTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_features);
} query_features SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_outputs);
} query_outputs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MEDULLA_RING_BYTES);
} query_requests SEC(".maps");

SEC("tc")
int query(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct medulla_features *features = bpf_map_lookup_elem(&query_features, &zero);
	struct medulla_outputs *outputs = bpf_map_lookup_elem(&query_outputs, &zero);

	if (!features || !outputs)
		return -1;
	return medulla_query(&features->words, &outputs->words);
}

SEC("tc")
int empty(struct __sk_buff *skb)
{
	return 0;
}

SEC("tc")
int roundtrip(struct __sk_buff *skb)
{
	struct medulla_request *request = bpf_ringbuf_reserve(&query_requests, sizeof(*request), 0);

	if (!request)
		return -1;
	request->sent_ns = bpf_ktime_get_ns();
	request->sequence = 0;
	bpf_ringbuf_submit(request, BPF_RB_FORCE_WAKEUP);
	return 0;
}
