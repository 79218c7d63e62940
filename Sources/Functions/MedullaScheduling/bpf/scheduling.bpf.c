// SPDX-License-Identifier: GPL-2.0
/*
 * Gives each packet that goes out the band of its flow: `skb->priority` for a qdisc with classes, DSCP for
 * the network. At tc's egress.
 */
#include "scheduling_admit.bpf.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "GPL";

#define IPV4_DSCP_AT 1	   /* bytes from the network header's first */
#define IPV4_CHECKSUM_AT 10

static __always_inline void scheduling_mark_four(struct __sk_buff *skb, __u32 network, __u8 mark)
{
	__u8 old, new;

	if (bpf_skb_load_bytes(skb, network + IPV4_DSCP_AT, &old, 1))
		return;
	/* The two bits of ECN stay. */
	new = mark << 2 | (old & 3);
	if (new == old)
		return;
	bpf_l3_csum_replace(skb, network + IPV4_CHECKSUM_AT, bpf_htons(old), bpf_htons(new), 2);
	bpf_skb_store_bytes(skb, network + IPV4_DSCP_AT, &new, 1, 0);
}

static __always_inline void scheduling_mark_six(struct __sk_buff *skb, __u32 network, __u8 mark)
{
	__u8 bytes[2];

	if (bpf_skb_load_bytes(skb, network, bytes, sizeof(bytes)))
		return;
	/* Version, six bits of DSCP, two of ECN, and the flow label's beginning. */
	bytes[0] = (bytes[0] & 0xf0) | mark >> 2;
	bytes[1] = (bytes[1] & 0x3f) | (mark & 3) << 6;
	bpf_skb_store_bytes(skb, network, bytes, sizeof(bytes), 0);
}

static __always_inline void scheduling_refuse(__u32 band, __u32 packets)
{
	struct scheduling_counts *counts = scheduling_get_counts(band);

	if (counts)
		medulla_count(&counts->refused, packets);
}

SEC("tc")
int scheduling_tc(struct __sk_buff *skb)
{
	const struct scheduling_settings *settings = scheduling_get_settings();
	struct medulla_packet packet;
	struct flow_packet seen;
	struct medulla_flow *flow;
	__u32 band, placed;
	__u8 mark;

	if (!settings || medulla_see_tc(skb, &packet, &seen))
		return TC_ACT_UNSPEC;
	flow = medulla_measure_tc(skb, &packet, &seen);
	if (!flow)
		return TC_ACT_UNSPEC;
	band = scheduling_place(flow, &seen);
	if (band >= SCHEDULING_BANDS)
		return TC_ACT_UNSPEC;
	if (settings->byte_ps) {
		placed = band;
		band = scheduling_admit(flow, seen.length, seen.clock_ns);
		if (band >= SCHEDULING_BANDS) {
			scheduling_refuse(placed, seen.segments);
			return TC_ACT_SHOT;
		}
	}
	if (settings->first_priority)
		skb->priority = settings->first_priority + band;
	mark = settings->marks[band];
	if (mark == SCHEDULING_NO_MARK)
		return TC_ACT_UNSPEC;
	if (packet.key.version == 4)
		scheduling_mark_four(skb, packet.network, mark);
	else
		scheduling_mark_six(skb, packet.network, mark);
	return TC_ACT_UNSPEC;
}
