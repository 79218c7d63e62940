// SPDX-License-Identifier: GPL-2.0
/*
 * Inference by test run: `medulla_live`, features in, outputs out. Never attached. `empty` is the cost of the
 * test run itself; `roundtrip` asks user space for the same answer, for comparison; `collect` sends a sample
 * up as the congestion control does, for networks of its size.
 */
#include "medulla.bpf.h"

#include "congestion_control.h"

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

#if MEDULLA_INPUTS == MCC_FEATURES && MEDULLA_OUTPUTS == 1
#include "congestion_sample.bpf.h"

struct query_flow {
	struct mcc_flow controller;
	struct congestion_pending pending;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct query_flow);
} query_flows SEC(".maps");

SEC("tc")
int collect(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct query_flow *flow = bpf_map_lookup_elem(&query_flows, &zero);

	if (!flow)
		return -1;
	congestion_remember(&flow->pending, &flow->controller, 0, 0, 0);
	return !congestion_emit(&flow->pending, &flow->controller.last, 1);
}
#endif
