// SPDX-License-Identifier: GPL-2.0
/*
 * Tells interactive flows from bulk flows by how they send, and gives each its class: skb->priority for a
 * qdisc such as prio or HTB, skb->mark for rules and filters. For tc at egress.
 */
#include "medulla_packet.bpf.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "GPL";

#define CLASSIFY_INPUTS 6
#define CLASSIFY_OUTPUTS 2 /* scores: interactive, bulk */

#define CLASSIFY_INTERACTIVE 0x10001 /* tc's 1:1 */
#define CLASSIFY_BULK 0x10002	     /* tc's 1:2 */
#define CLASSIFY_KNOWN_BULK 5201     /* ports whose kind is known teach the network the others */
#define CLASSIFY_KNOWN_INTERACTIVE 22

/* What of a flow is kept in its memory. */
enum classify_memory {
	CLASSIFY_PACKETS,
	CLASSIFY_BYTES,
	CLASSIFY_FIRST_NS,
};

MEDULLA_FUNCTION(classify, CLASSIFY_INPUTS, CLASSIFY_OUTPUTS);

/* log2 in q16, with four steps between powers of two; 0 for 0. */
static __noinline __s64 classify_log(__u64 value)
{
	__u32 power = 0;

	value &= (1ULL << 40) - 1;
	if (!value)
		return 0;
	for (int i = 5; i >= 0; i--)
		power += (value >> power >> (1 << i)) ? 1 << i : 0;
	return ((__s64)power << 16) + (__s64)((((value << 2) >> (power & 63)) & 3) << 14);
}

static __always_inline void classify_collect(const struct medulla_packet *packet, struct medulla_flow *flow,
					     __u64 now, __s64 *features)
{
	__u64 packets, bytes, life_us, gap_us = 0;

	if (flow->memory[CLASSIFY_PACKETS] && now > flow->last_ns)
		gap_us = (now - flow->last_ns) / 1000;
	if (!flow->memory[CLASSIFY_PACKETS])
		flow->memory[CLASSIFY_FIRST_NS] = (__s64)now;
	packets = ++flow->memory[CLASSIFY_PACKETS];
	bytes = flow->memory[CLASSIFY_BYTES] += packet->payload;
	life_us = (now - flow->memory[CLASSIFY_FIRST_NS]) / 1000;
	features[0] = classify_log(packet->payload);
	features[1] = classify_log(bytes / packets);
	features[2] = classify_log(packets);
	features[3] = classify_log(bytes);
	features[4] = classify_log(gap_us);
	features[5] = classify_log(life_us / packets);
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
	__s64 features[CLASSIFY_INPUTS] = {};
	__s64 outputs[CLASSIFY_OUTPUTS] = {};
	struct medulla_packet packet;
	struct medulla_flow *flow;
	__u16 port;
	__s64 is_bulk;

	if (medulla_parse((void *)(long)skb->data, (void *)(long)skb->data_end, &packet))
		return TC_ACT_UNSPEC;
	flow = medulla_take_flow(&packet);
	if (!flow)
		return TC_ACT_UNSPEC;
	if (packet.payload) {
		classify_collect(&packet, flow, bpf_ktime_get_ns(), features);
		if (!medulla_decide(flow, &features, &outputs)) {
			is_bulk = outputs[1] > outputs[0];
			skb->priority = is_bulk ? CLASSIFY_BULK : CLASSIFY_INTERACTIVE;
			skb->mark = is_bulk ? 2 : 1;
			port = bpf_ntohs(packet.key.destination_port);
			/* What followed is the truth, where a port tells it. */
			is_bulk = port == CLASSIFY_KNOWN_BULK;
			if (is_bulk || port == CLASSIFY_KNOWN_INTERACTIVE)
				medulla_sample(flow, &features, &outputs, &is_bulk, 1);
		}
	}
	medulla_leave_flow(&packet, flow);
	return TC_ACT_UNSPEC;
}
