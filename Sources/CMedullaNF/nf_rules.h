/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Which rule a frame matches: for the demultiplexer in the kernel, and for hosts that demultiplex themselves.
 * One source, so that a frame is the same function's whichever engine receives it.
 */
#ifndef MEDULLA_NF_RULES_H
#define MEDULLA_NF_RULES_H

#include "nf_intf.h"
#include "packet_parse.h"

/* What rules look at. */
struct nf_seen {
	struct medulla_packet packet;
	__u16 ethertype;
	__u16 vlan;
	__u32 is_flow;
	__u32 row; /* that a classifier has decided: who can look it up, does */
};

/*
 * What rules that look at `fields` look at. -1: the frame is cut in its link header, and no rule can
 * match.
 */
static __always_inline int nf_see(const void *data, const void *end, __u32 fields, struct nf_seen *seen)
{
	const __u8 *at = data;
	__u16 type;

	seen->vlan = NF_NO_VLAN;
	if ((const void *)(at + 14) > end)
		return -1;
	type = packet_word(at + 12);
	if (type == PACKET_VLAN || type == PACKET_QINQ) {
		if ((const void *)(at + 18) > end)
			return -1;
		seen->vlan = packet_word(at + 14) & 0x0fff;
		type = packet_word(at + 16);
		if (type == PACKET_VLAN || type == PACKET_QINQ) {
			if ((const void *)(at + 22) > end)
				return -1;
			type = packet_word(at + 20);
		}
	}
	seen->ethertype = type;
	seen->is_flow = 0;
	if (fields & (NF_MATCH_FLOW | NF_MATCH_CLASS))
		seen->is_flow = !medulla_parse(at, end, &seen->packet);
	seen->row = NF_NO_ROW;
	return 0;
}

static __always_inline int nf_address_matches(const __u8 *address, const __u8 *wanted, const __u8 *mask)
{
	__u64 a[2], w[2], m[2];

	__builtin_memcpy(a, address, 16);
	__builtin_memcpy(w, wanted, 16);
	__builtin_memcpy(m, mask, 16);
	return !(((a[0] ^ w[0]) & m[0]) | ((a[1] ^ w[1]) & m[1]));
}

static __always_inline __u16 nf_port(__be16 port)
{
	return packet_word((const __u8 *)&port);
}

static __always_inline int nf_flow_matches(const struct nf_rule *rule, const struct nf_seen *seen)
{
	const struct medulla_flow_key *key = &seen->packet.key;
	__u16 port;

	if (!seen->is_flow)
		return 0;
	if ((rule->fields & NF_MATCH_PROTOCOL) && rule->protocol != key->protocol)
		return 0;
	if ((rule->fields & (NF_MATCH_SOURCE | NF_MATCH_DESTINATION)) && rule->version != key->version)
		return 0;
	if ((rule->fields & NF_MATCH_SOURCE) &&
	    !nf_address_matches(key->source, rule->source, rule->source_mask))
		return 0;
	if ((rule->fields & NF_MATCH_DESTINATION) &&
	    !nf_address_matches(key->destination, rule->destination, rule->destination_mask))
		return 0;
	port = nf_port(key->source_port);
	if ((rule->fields & NF_MATCH_SOURCE_PORT) &&
	    (port < rule->source_ports[0] || port > rule->source_ports[1]))
		return 0;
	port = nf_port(key->destination_port);
	if ((rule->fields & NF_MATCH_DESTINATION_PORT) &&
	    (port < rule->destination_ports[0] || port > rule->destination_ports[1]))
		return 0;
	return 1;
}

static __always_inline int nf_matches(const struct nf_rule *rule, const struct nf_seen *seen)
{
	if ((rule->fields & NF_MATCH_ETHERTYPE) && rule->ethertype != seen->ethertype)
		return 0;
	if ((rule->fields & NF_MATCH_VLAN) && rule->vlan != seen->vlan)
		return 0;
	if ((rule->fields & NF_MATCH_CLASS) && rule->row != seen->row)
		return 0;
	return !(rule->fields & NF_MATCH_FLOW) || nf_flow_matches(rule, seen);
}

#endif /* MEDULLA_NF_RULES_H */
