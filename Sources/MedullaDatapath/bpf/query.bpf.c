// SPDX-License-Identifier: GPL-2.0
/*
 * Inference by test run: `medulla_live`, features in, outputs out. Never attached. `empty` is the cost of the
 * test run itself; `roundtrip` asks user space for the same answer, for comparison; `timed` takes the time of
 * the inference alone, without what is around it.
 */
#include "medulla.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MEDULLA_REQUEST_BYTES);
} query_requests SEC(".maps");

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

struct query_time {
	__u64 inference_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct query_time);
} query_times SEC(".maps");

SEC("tc")
int timed(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct medulla_features *features = bpf_map_lookup_elem(&live_features, &zero);
	struct query_time *time = bpf_map_lookup_elem(&query_times, &zero);
	const struct medulla_control *control = medulla_get_control();
	__u32 slot = control ? medulla_active_slot(control) : MEDULLA_NO_SLOT;
	const struct medulla_image *image = bpf_map_lookup_elem(&medulla_slots, &slot);
	struct medulla_workspace *workspace;
	__u64 start;

	if (!features || !time || !image)
		return -1;
	workspace = medulla_take_workspace();
	if (!workspace)
		return -1;
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		workspace->scratch.words[MEDULLA_FEATURES_OFFSET + i] = features->words[i];
	/* The first reading makes the clock itself warm. */
	time->inference_ns = bpf_ktime_get_ns();
	start = bpf_ktime_get_ns();
	medulla_run(image, &workspace->scratch);
	time->inference_ns = bpf_ktime_get_ns() - start;
	medulla_give_workspace(workspace);
	return 0;
}
