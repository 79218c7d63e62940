// SPDX-License-Identifier: GPL-2.0
/*
 * Inference by test run: `medulla_live`, features in, outputs out. Never attached. `empty` is the cost of the
 * test run itself; `roundtrip` asks user space for the same answer, for comparison.
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
