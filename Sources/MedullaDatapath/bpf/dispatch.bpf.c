// SPDX-License-Identifier: GPL-2.0
/*
 * Sends each packet to the program set of its flow. Attached once, for the life of an instance at tc or XDP:
 * an update of another shape changes what it chooses between, and never the attachment.
 *
 * It only reads. User space puts a program into `medulla_generations` before it names it in `route`, and
 * takes it out only after the route names another and its flows are gone; a command that dies between leaves
 * a program that nothing is sent to. A tail call that finds no program goes on to the next line, and costs a
 * count.
 */
#include "kernel_types.h"

#include "medulla_order.bpf.h"
#include "packet_intf.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "GPL";

/* What a flow in the table begins with; the rest is its program set's. */
struct dispatch_flow {
	__u64 pin;
};

/* What user space says before it is loaded; the verifier leaves out what does not hold. */
const volatile struct dispatch_options dispatch_options SEC(".rodata.dispatch") = {};

/* The first program set's two tables take their place, where the function has them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct medulla_flow_key);
	__type(value, struct dispatch_flow);
} medulla_table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_place);
} medulla_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, MEDULLA_GENERATIONS);
	__type(key, __u32);
	__type(value, __u32);
} medulla_generations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_shared);
} medulla_shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_totals);
} medulla_totals SEC(".maps");

/* The row of the packet's flow, else `current`: for what is no flow, is not kept, or was let go. */
static __always_inline __u32 dispatch_row(void *data, void *end, __u32 current)
{
	struct medulla_packet packet;
	const struct dispatch_flow *flow;
	__u32 pin;

	if (medulla_parse(data, end, &packet))
		return current;
	if (dispatch_options.turns)
		medulla_turn(&packet);
	flow = bpf_map_lookup_elem(&medulla_table, &packet.key);
	if (!flow)
		return current;
	pin = *(const volatile __u64 *)&flow->pin & MEDULLA_PIN_MASK;
	return pin < MEDULLA_PINS ? pin / MEDULLA_SLOTS : current;
}

/* Returns only when there is no program to go to. */
static __always_inline void dispatch(void *context, void *data, void *end)
{
	__u32 zero = 0;
	const struct medulla_shared *shared = bpf_map_lookup_elem(&medulla_shared, &zero);
	struct medulla_totals *totals;
	__u32 current, row;
	__u64 route;

	if (!shared)
		return;
	route = *(const volatile __u64 *)&shared->route;
	current = (__u32)route % MEDULLA_GENERATIONS;
	row = current;
	/* Without other flows, or with no consistency, nothing need be looked up. */
	if (!(route >> 32 & (MEDULLA_FOLLOW | MEDULLA_ALONE)))
		row = dispatch_row(data, end, current);
	bpf_tail_call(context, &medulla_generations, row);
	totals = bpf_map_lookup_elem(&medulla_totals, &zero);
	if (totals)
		medulla_count(&totals->orphaned, 1);
	if (row != current)
		bpf_tail_call(context, &medulla_generations, current);
}

SEC("tc")
int medulla_dispatch_tc(struct __sk_buff *packet)
{
	dispatch(packet, (void *)(long)packet->data, (void *)(long)packet->data_end);
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int medulla_dispatch_xdp(struct xdp_md *packet)
{
	dispatch(packet, (void *)(long)packet->data, (void *)(long)packet->data_end);
	return XDP_PASS;
}
