// SPDX-License-Identifier: GPL-2.0
/*
 * Hands frames of an interface to network functions: the first rule that matches says which, and the frame
 * goes into the function's own receive ring, stamped with whom it was given to. What no rule matches is the
 * kernel's.
 */
#include "kernel_types.h"

#include "medulla_order.bpf.h"
#include "nf_rules.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct nf_constants nf_constants = {};

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, NF_SEATS);
	__type(key, __u32);
	__type(value, __u32);
} nf_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, NF_SEATS);
	__type(key, __u32);
	__type(value, struct nf_seat);
} nf_seats SEC(".maps");

/* Not 0: the classifier has gone, and no flow has a class. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} nf_has_no_classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NF_CAUSES);
	__type(key, __u32);
	__type(value, __u64);
} nf_counts SEC(".maps");

/* The table of the classifier that rules name takes its place, whose entries are as large as its network asks
 * for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct medulla_flow_key);
	__type(value, __u64);
} nf_flows SEC(".maps");

static __always_inline int nf_count(__u32 cause, int action)
{
	__u64 *count = bpf_map_lookup_elem(&nf_counts, &cause);

	if (count)
		medulla_count_alone(count, 1);
	return action;
}

/*
 * The row that the classifier has decided for the packet's flow, both directions of which it keeps as one.
 *
 * A classifier behind this program does not see a flow any more whose frames go to functions. It is told here
 * that the flow lives, or it would take it for idle, and what it has decided would be gone.
 */
static __always_inline __u32 nf_row_of(const struct medulla_packet *seen)
{
	struct medulla_packet packet = *seen;
	__u32 zero = 0, *gone = bpf_map_lookup_elem(&nf_has_no_classes, &zero);
	__u64 row;
	__u8 *flow;

	if (!gone || *(volatile __u32 *)gone)
		return NF_NO_ROW;
	medulla_turn(&packet);
	flow = bpf_map_lookup_elem(&nf_flows, &packet.key);
	if (!flow)
		return NF_NO_ROW;
	row = *(volatile __u64 *)(flow + nf_constants.row_offset);
	if (!row)
		return NF_NO_ROW;
	*(volatile __u64 *)(flow + nf_constants.seen_offset) = bpf_ktime_get_ns();
	return (__u32)row - 1;
}

/*
 * The first rule that matches; its number in `number`. Rules are constants to the verifier, which goes
 * through the loop once for each that there is.
 */
static __always_inline const struct nf_rule *nf_choose(const struct nf_seen *seen, __u32 *number)
{
	for (__u32 i = 0; i < NF_RULES; i++) {
		const struct nf_rule *rule = (const struct nf_rule *)&nf_constants.rules[i];

		if (i >= nf_constants.rule_count)
			return 0;
		/* To the compiler it could be any memory, not the zeros of this file. */
		asm volatile("" : "+r"(rule));
		if (nf_matches(rule, seen)) {
			*number = i;
			return rule;
		}
	}
	return 0;
}

/* Writes the stamp before the frame; a driver without room for it says so. */
static __always_inline int nf_stamp_frame(struct xdp_md *frame, const struct nf_seat *seat, __u32 place,
					  __u64 sequence, __u32 rule)
{
	struct nf_stamp *stamp;

	/* What an earlier program left there goes. */
	if (bpf_xdp_adjust_meta(frame, (int)(frame->data - frame->data_meta) - (int)sizeof(*stamp)))
		return -1;
	stamp = (void *)(long)frame->data_meta;
	if ((void *)(stamp + 1) > (void *)(long)frame->data)
		return -1;
	stamp->nanoseconds = nf_constants.takes_time ? bpf_ktime_get_ns() : 0;
	stamp->sequence = sequence;
	stamp->seat = place;
	stamp->epoch = seat->epoch;
	stamp->rule = rule;
	stamp->length = (__u32)(frame->data_end - frame->data);
	return 0;
}

/*
 * Counts one delivery more, which `before` came before; 0: the quota is out.
 *
 * The host's word of what came back is read again only where the last one is used up, or the line would go
 * from processor to processor with each frame. That word only grows, so that an old one allows too little.
 */
static __always_inline int nf_is_allowed(struct nf_seat *seat, __u64 *before)
{
	__u64 allowed;

	/* Another processor may deliver at once: each counts itself, and what is over is taken back. */
	*before = __sync_fetch_and_add(&seat->delivered, 1);
	if (*before < *(volatile __u64 *)&seat->allowed)
		return 1;
	allowed = *(volatile __u64 *)&seat->returned + seat->quota;
	*(volatile __u64 *)&seat->allowed = allowed;
	if (*before < allowed)
		return 1;
	__sync_fetch_and_add(&seat->delivered, -1ULL);
	return 0;
}

static __always_inline int nf_deliver(struct xdp_md *frame, __u32 function, __u32 rule)
{
	__u32 place = function * NF_QUEUES + frame->rx_queue_index;
	struct nf_seat *seat;
	__u64 delivered;

	if (function >= NF_FUNCTIONS || frame->rx_queue_index >= NF_QUEUES)
		return nf_count(NF_UNMATCHED, XDP_PASS);
	seat = bpf_map_lookup_elem(&nf_seats, &place);
	if (!seat)
		return nf_count(NF_UNMATCHED, XDP_PASS);
	if (seat->state != NF_SEAT_TAKEN) {
		medulla_count(&seat->absent, 1);
		return nf_count(NF_NOT_TAKEN, (int)seat->fallback);
	}
	if (!nf_is_allowed(seat, &delivered)) {
		medulla_count(&seat->over_quota, 1);
		return nf_count(NF_NOT_TAKEN, (int)seat->fallback);
	}
	if (nf_stamp_frame(frame, seat, place, delivered + 1, rule)) {
		__sync_fetch_and_add(&seat->delivered, -1ULL);
		return nf_count(NF_UNSTAMPED, (int)seat->fallback);
	}
	nf_count(NF_DELIVERED, 0);
	return (int)bpf_redirect_map(&nf_sockets, place, seat->fallback);
}

SEC("xdp")
int nf_demux(struct xdp_md *frame)
{
	struct nf_seen seen = {};
	const struct nf_rule *rule;
	__u32 number = 0;

	if (nf_see((void *)(long)frame->data, (void *)(long)frame->data_end, nf_constants.fields, &seen))
		return nf_count(NF_MALFORMED, XDP_PASS);
	if (nf_constants.row_offset && seen.is_flow)
		seen.row = nf_row_of(&seen.packet);
	rule = nf_choose(&seen, &number);
	if (!rule || rule->function == NF_NO_FUNCTION)
		return nf_count(NF_UNMATCHED, XDP_PASS);
	return nf_deliver(frame, rule->function, number);
}
