// SPDX-License-Identifier: GPL-2.0
/*
 * What packet rates are measured with, beside the functions themselves: programs that do nothing, programs
 * that make each packet of a test run another flow's before a function sees it, one that sends the frames
 * of a test run to a device, and one that sends on what comes in.
 */
#include "kernel_types.h"

#include <bpf/bpf_endian.h>
#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "GPL";

#define RATE_PROCESSORS 1024
#define RATE_SOURCE 26		     /* the IPv4 source address in an untagged frame */
#define RATE_NUMBERS 0xffffffu	     /* of flows, in the address's last three bytes */
#define RATE_NETWORK (10u << 24)     /* and its first */

/* Of one processor: which flow is next, and where its frames go. Cache lines of its own. */
struct rate_course {
	__u64 next;
	__u64 mask;   /* how many flows take turns, less one */
	__u64 first;  /* the number of the first */
	__u64 device; /* its index */
	__u64 reserved[12];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RATE_PROCESSORS);
	__type(key, __u32);
	__type(value, struct rate_course);
} rate_courses SEC(".maps");

/* The function that sees the packets; an array has programs of one kind only. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} rate_at_xdp SEC(".maps"), rate_at_tc SEC(".maps");

/* Makes the frame the next flow's. */
static __always_inline const struct rate_course *rate_turn(void *data, void *end)
{
	__u32 processor = bpf_get_smp_processor_id(), number;
	struct rate_course *course = bpf_map_lookup_elem(&rate_courses, &processor);

	if (!course || data + RATE_SOURCE + 4 > end)
		return 0;
	number = (course->first + (course->next++ & course->mask)) & RATE_NUMBERS;
	*(__be32 *)(data + RATE_SOURCE) = bpf_htonl(RATE_NETWORK | number);
	return course;
}

SEC("xdp")
int rate_empty_xdp(struct xdp_md *frame)
{
	return XDP_DROP;
}

SEC("tc")
int rate_empty_tc(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int rate_turn_xdp(struct xdp_md *frame)
{
	if (rate_turn((void *)(long)frame->data, (void *)(long)frame->data_end))
		bpf_tail_call(frame, &rate_at_xdp, 0);
	return XDP_ABORTED;
}

SEC("tc")
int rate_turn_tc(struct __sk_buff *skb)
{
	if (rate_turn((void *)(long)skb->data, (void *)(long)skb->data_end))
		bpf_tail_call(skb, &rate_at_tc, 0);
	return TC_ACT_SHOT;
}

SEC("xdp")
int rate_send(struct xdp_md *frame)
{
	const struct rate_course *course =
		rate_turn((void *)(long)frame->data, (void *)(long)frame->data_end);

	return course ? (int)bpf_redirect((__u32)course->device, 0) : XDP_ABORTED;
}

/* Sends what comes in at a device to the one that the last course names. */
SEC("xdp")
int rate_forward(struct xdp_md *frame)
{
	__u32 last = RATE_PROCESSORS - 1;
	const struct rate_course *course = bpf_map_lookup_elem(&rate_courses, &last);

	return course ? (int)bpf_redirect((__u32)course->device, 0) : XDP_ABORTED;
}
