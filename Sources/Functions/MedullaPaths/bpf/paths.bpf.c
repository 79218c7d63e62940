// SPDX-License-Identifier: GPL-2.0
/*
 * Gives each flow that goes out a path, by what the network says of the paths, and sends its packets there.
 * At tc's egress.
 *
 * What is known of a path comes from the sockets of the packets: at every packet of TCP of this host the
 * socket says what was delivered since, what of it was marked, and its round trip. A connection's hook would
 * say the same later.
 */
#include "paths_place.bpf.h"

#include "paths_steer.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Of the kernel's own socket, what its copy for programs lacks. */
struct tcp_sock {
	__u32 rcv_ooopack;
} MEDULLA_CORE;

/* What the packet's socket says. */
__noinline int paths_see_socket(struct __sk_buff *skb, struct paths_socket *socket)
{
	struct bpf_tcp_sock *tcp;
	struct tcp_sock *whole;
	struct bpf_sock *sk;

	if (!socket)
		return 0;
	__builtin_memset(socket, 0, sizeof(*socket));
	sk = skb->sk;
	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 0;
	tcp = bpf_tcp_sock(sk);
	if (!tcp)
		return 0;
	socket->is_known = 1;
	socket->rtt_us = tcp->srtt_us >> 3;
	socket->delivered = tcp->delivered;
	socket->marked = tcp->delivered_ce;
	socket->duplicates = tcp->dsack_dups;
	socket->selected = tcp->sacked_out;
	socket->arrived = tcp->data_segs_in;
	socket->expected = tcp->rcv_nxt;
	socket->timeouts = tcp->icsk_retransmits;
	socket->waiting = tcp->packets_out;
	whole = bpf_skc_to_tcp_sock(sk);
	if (whole)
		socket->disordered = whole->rcv_ooopack;
	return 1;
}

/* Neighbours' talk (ICMPv6, IGMP) and what is for many or for this link stays on it. */
static __always_inline int paths_may_steer(const struct medulla_packet *packet)
{
	const __u8 *to = packet->reversed ? packet->key.source : packet->key.destination;

	if (packet->key.version == 4)
		return packet->key.protocol != IPPROTO_IGMP && to[0] < 224 &&
		       !(to[0] == 169 && to[1] == 254);
	return packet->key.protocol != IPPROTO_ICMPV6 && to[0] != 0xff &&
	       !(to[0] == 0xfe && (to[1] & 0xc0) == 0x80);
}

#define PATHS_TRIES 4 /* next hops that are tried for a packet before it waits for one */

SEC("tc")
int paths_tc(struct __sk_buff *skb)
{
	const struct paths_settings *settings = paths_get_settings();
	struct medulla_packet packet;
	struct paths_socket socket;
	struct flow_packet seen;
	struct medulla_flow *flow;
	__u32 placed, path, except = 0;
	int verdict;

	if (!settings)
		return TC_ACT_UNSPEC;
	/* It was steered before, and comes by on its way. */
	if ((skb->tc_index & ~PATHS_TAG_MASK) == settings->tag)
		return paths_pass_tagged(skb);
	if (medulla_see_tc(skb, &packet, &seen) || !paths_may_steer(&packet))
		return TC_ACT_UNSPEC;
	flow = medulla_measure_tc(skb, &packet, &seen);
	if (!flow)
		return TC_ACT_UNSPEC;
	paths_see_socket(skb, &socket);
	placed = paths_place(flow, &packet, &seen, &socket);
	if (placed >> PATHS_PROBE_SHIFT)
		paths_send_copy(skb, (placed >> PATHS_PROBE_SHIFT) - 1);
	path = (placed & ((1U << PATHS_PROBE_SHIFT) - 1)) - 1;
	for (int i = 1; i < PATHS_TRIES; i++) {
		verdict = paths_steer(skb, path, 0);
		if (verdict != PATHS_UNREADY)
			return verdict;
		/* The copy asks for the next hop, so that a later flow finds it. */
		paths_send_copy(skb, path);
		except |= 1U << (path & (PATHS_LIMIT - 1));
		path = paths_replace(flow, &packet, &seen, &socket, except) - 1;
	}
	return paths_steer(skb, path, 1);
}
