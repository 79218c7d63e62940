// SPDX-License-Identifier: GPL-2.0
/*
 * What a sample of the congestion control costs, by test run: `collect` keeps a decision and sends it up,
 * `empty` is the cost of the test run itself. Never attached.
 */
#include "congestion_sample.bpf.h"
#include "congestion_control.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int empty(struct __sk_buff *skb)
{
	return 0;
}

struct collect_flow {
	struct mcc_flow controller;
	struct congestion_pending pending;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct collect_flow);
} collect_flows SEC(".maps");

SEC("tc")
int collect(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct collect_flow *flow = bpf_map_lookup_elem(&collect_flows, &zero);
	struct medulla_decision decision = {.flags = MEDULLA_SAMPLE_VALID};
	struct medulla_outputs given = {};

	if (!flow)
		return -1;
	congestion_remember(&flow->pending, &flow->controller, &decision, &given);
	return !congestion_emit(&flow->pending, &flow->controller.last, 1);
}
