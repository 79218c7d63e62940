// SPDX-License-Identifier: GPL-2.0
/*
 * Tells what flows are of, and acts on their packets by it. At tc or XDP; both directions of a flow are one
 * where both pass.
 */
#include "classifier.bpf.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "GPL";

static __always_inline void classifier_mirror_tc(struct __sk_buff *skb,
						 const struct classifier_verdict *verdict)
{
	struct classifier_mirrored *mirrored = classifier_reserve(verdict, skb->len);
	__u32 bytes = skb->len < CLASSIFIER_MIRROR_BYTES ? skb->len : CLASSIFIER_MIRROR_BYTES;

	if (!mirrored)
		return;
	if (bytes &&
	    !bpf_skb_load_bytes(skb, 0, mirrored->bytes, MEDULLA_SIZE(bytes, CLASSIFIER_MIRROR_BYTES)))
		mirrored->captured = bytes;
	bpf_ringbuf_submit(mirrored, 0);
}

SEC("tc")
int classifier_tc(struct __sk_buff *skb)
{
	struct classifier_verdict verdict = {};
	struct medulla_packet packet;
	struct flow_packet seen;
	struct medulla_flow *flow;

	if (medulla_see_tc(skb, &packet, &seen))
		return TC_ACT_UNSPEC;
	flow = medulla_measure_tc(skb, &packet, &seen);
	if (!flow)
		return TC_ACT_UNSPEC;
	classifier_judge(flow, &packet, &verdict);
	classifier_apply(&verdict, seen.length, seen.segments);
	switch (verdict.action) {
	case CLASSIFIER_MARK:
		skb->mark = verdict.value;
		break;
	case CLASSIFIER_DROP:
		return TC_ACT_SHOT;
	case CLASSIFIER_REDIRECT:
		return bpf_redirect(verdict.value, 0);
	case CLASSIFIER_MIRROR:
		classifier_mirror_tc(skb, &verdict);
		break;
	}
	return TC_ACT_UNSPEC;
}

static __always_inline void classifier_mirror_xdp(struct xdp_md *frame,
						  const struct classifier_verdict *verdict, __u32 length)
{
	struct classifier_mirrored *mirrored = classifier_reserve(verdict, length);
	__u32 bytes = length < CLASSIFIER_MIRROR_BYTES ? length : CLASSIFIER_MIRROR_BYTES;

	if (!mirrored)
		return;
	if (bytes &&
	    !bpf_xdp_load_bytes(frame, 0, mirrored->bytes, MEDULLA_SIZE(bytes, CLASSIFIER_MIRROR_BYTES)))
		mirrored->captured = bytes;
	bpf_ringbuf_submit(mirrored, 0);
}

SEC("xdp")
int classifier_xdp(struct xdp_md *frame)
{
	struct classifier_verdict verdict = {};
	struct medulla_packet packet;
	struct flow_packet seen;
	struct medulla_flow *flow;

	if (medulla_see_xdp(frame, &packet, &seen))
		return XDP_PASS;
	flow = medulla_measure_xdp(frame, &packet, &seen);
	if (!flow)
		return XDP_PASS;
	classifier_judge(flow, &packet, &verdict);
	classifier_apply(&verdict, seen.length, seen.segments);
	switch (verdict.action) {
	case CLASSIFIER_DROP:
		return XDP_DROP;
	case CLASSIFIER_REDIRECT:
		return (int)bpf_redirect(verdict.value, 0);
	case CLASSIFIER_MIRROR:
		classifier_mirror_xdp(frame, &verdict, seen.length);
		break;
	}
	return XDP_PASS;
}
