/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Flows that are measured: both directions under one key, each with a `struct flow_state` that
 * `flow_features.h` makes features of. For a function that includes this instead of `medulla_packet.bpf.h`:
 *
 *	if (medulla_see_tc(skb, &packet, &seen))
 *		return TC_ACT_UNSPEC;
 *	flow = medulla_measure_tc(skb, &packet, &seen);
 *	state = medulla_measured(flow);
 *	(flow_feature(state, FLOW_duration), and so on)
 *
 * The time of a packet is read when its flow is to be measured, and stands in `seen` then.
 *
 * A packet changes its flow under a lock, so that packets that come on several processors are all counted.
 * Features are made of a copy, which belongs to the processor, or as `flow_inputs.bpf.h` has it.
 */
#ifndef MEDULLA_FLOW_FEATURES_BPF_H
#define MEDULLA_FLOW_FEATURES_BPF_H

#include "flow_features.h"

#ifndef MEDULLA_OWN_WORDS
#define MEDULLA_OWN_WORDS 0 /* that a function keeps of a flow, after its measures */
#endif
#define MEDULLA_MEASURE_WORDS (sizeof(struct flow_state) / 8)
#define MEDULLA_FLOW_WORDS (MEDULLA_MEASURE_WORDS + MEDULLA_OWN_WORDS)
#ifndef MEDULLA_FLOW_LINGER_NS
#define MEDULLA_FLOW_LINGER_NS (FLOW_ENDED_US * 1000)
#endif

#include "medulla_packet.bpf.h"

#ifndef MEDULLA_IS_SETTLED
#define MEDULLA_IS_SETTLED(flow) 0 /* whether the function asks nothing more of the flow's measures */
#endif
#ifndef MEDULLA_REMEMBERS_PAIRS
#define MEDULLA_REMEMBERS_PAIRS 1 /* whether anybody asks for what the same hosts sent before */
#endif
#ifndef MEDULLA_REMEMBERS_LAST
#define MEDULLA_REMEMBERS_LAST 1 /* whether anybody asks how many of the last flows were alike */
#endif
#ifndef MEDULLA_PAIR_LIMIT
#define MEDULLA_PAIR_LIMIT 16384 /* pairs of hosts whose flows are remembered; the longest silent one goes */
#endif

/* Nothing is counted by it, so that the kernel may forget entries by itself. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MEDULLA_PAIR_LIMIT);
	__type(key, struct flow_pair_key);
	__type(value, struct flow_pair);
} medulla_pairs SEC(".maps");

/* The last flows of all hosts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_log);
} medulla_last SEC(".maps");

/* Of flows and of pairs, each for many of them: a lock can lie neither in memory of one processor, as a flow
 * does that is not kept, nor in a map whose entries the kernel forgets. Nobody holds two. */
#define MEDULLA_LOCKS 1024 /* a power of two */

struct medulla_lock {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MEDULLA_LOCKS);
	__type(key, __u32);
	__type(value, struct medulla_lock);
} medulla_locks SEC(".maps");

static __always_inline void medulla_note_time(struct flow_packet *seen, __u64 clock_ns)
{
	seen->clock_ns = clock_ns;
#ifdef MEDULLA_NOW
	seen->time_us = MEDULLA_NOW() / 1000;
#else
	seen->time_us = clock_ns / 1000;
#endif
}

/* The time of the kernel's last tick, a few milliseconds ago at most. Enough to tell whether a flow is over,
 * and cheap: the clock itself takes a third of the time of a packet that is measured no further. */
static __always_inline void medulla_see_tick(struct flow_packet *seen)
{
	medulla_note_time(seen, bpf_ktime_get_coarse_ns());
}

static __always_inline void medulla_see_time(struct flow_packet *seen)
{
	medulla_note_time(seen, bpf_ktime_get_ns());
}

/* Not static, as those below: the verifier walks each once, whatever comes before and after it.
 *
 * A frame at tc: parsed, with its key turned, and measured as its segments are on the wire. -1: it is of no
 * flow. */
__noinline int medulla_see_tc(struct __sk_buff *skb, struct medulla_packet *packet, struct flow_packet *seen)
{
	__u32 segment = skb->gso_size, tag = skb->vlan_present ? 4 : 0, segments = 1;

	if (!packet || !seen)
		return -1;
	if (medulla_parse((void *)(long)skb->data, (void *)(long)skb->data_end, packet))
		return -1;
	medulla_turn(packet);
	/* Not by gso_segs, which a guest's or a tunnel's packets may lack. */
	if (segment && packet->payload > segment)
		segments = (packet->payload + segment - 1) / segment;
	medulla_see_tick(seen);
	seen->segments = segments;
	seen->segment = segments > 1 ? segment : 0;
	/* All but the first segment repeat the headers. */
	seen->length = skb->len + (segments - 1) * packet->header + segments * tag;
	seen->reserved = 0;
	return 0;
}

__noinline int medulla_see_xdp(struct xdp_md *frame, struct medulla_packet *packet, struct flow_packet *seen)
{
	if (!packet || !seen)
		return -1;
	if (medulla_parse((void *)(long)frame->data, (void *)(long)frame->data_end, packet))
		return -1;
	medulla_turn(packet);
	medulla_see_tick(seen);
	seen->segments = 1;
	seen->segment = 0;
	seen->length = bpf_xdp_get_buff_len(frame);
	seen->reserved = 0;
	return 0;
}

static __always_inline struct medulla_lock *medulla_lock_of(const struct medulla_flow *flow)
{
	__u32 at = flow->place % MEDULLA_LOCKS;

	return bpf_map_lookup_elem(&medulla_locks, &at);
}

static __always_inline struct medulla_lock *medulla_lock_of_pair(const struct flow_pair_key *key)
{
	__u64 words[4];
	__u32 at;

	__builtin_memcpy(words, key, sizeof(words));
	at = ((words[0] ^ words[1] ^ words[2] ^ words[3]) * 0x9e3779b97f4a7c15ULL >> 32) % MEDULLA_LOCKS;
	return bpf_map_lookup_elem(&medulla_locks, &at);
}

static const volatile struct flow_pair medulla_no_flows = {};

/* The flow's pair of hosts; a new one when they are not remembered. */
static __always_inline struct flow_pair *medulla_pair_of(const struct flow_pair_key *key)
{
	struct flow_pair *pair = bpf_map_lookup_elem(&medulla_pairs, key);

	if (pair)
		return pair;
	bpf_map_update_elem(&medulla_pairs, key, (void *)&medulla_no_flows, BPF_NOEXIST);
	return bpf_map_lookup_elem(&medulla_pairs, key);
}

/* The first bytes of a payload. */
struct medulla_head {
	__u32 count;
	__u8 bytes[FLOW_PAYLOAD_BYTES];
};

/* The packet's flow, when it is there; one that is over gives its key to the packet's. */
static __always_inline struct medulla_flow *medulla_find_measured(const struct medulla_packet *packet,
								  const struct flow_packet *seen)
{
	struct medulla_flow *flow = bpf_map_lookup_elem(&medulla_table, &packet->key);

	if (!flow || !flow_is_over((struct flow_state *)flow->memory, packet, seen->time_us,
				   MEDULLA_FLOW_IDLE_NS / 1000))
		return flow;
	medulla_end_flow(&packet->key, flow, 0);
	/* Another processor may have been quicker, with the flow that comes after it. */
	return bpf_map_lookup_elem(&medulla_table, &packet->key);
}

/* Makes a flow that begins one of its hosts'. When its first packets come on two processors at once it may be
 * told of itself, as a flow before it: no more than that, for no second lock may be taken. */
static __always_inline void medulla_join(struct flow_pair *pair, const struct flow_pair_key *key,
					 struct flow_state *state, __u64 now_us)
{
	struct medulla_lock *lock = medulla_lock_of_pair(key);

	if (!lock)
		return;
	bpf_spin_lock(&lock->lock);
	if (!*(volatile __u8 *)&state->version)
		flow_join(&state->past, pair, now_us);
	bpf_spin_unlock(&lock->lock);
}

/* Counts the flow's likes among the last flows, of which it is one from now on. Not static: the verifier
 * walks the loop once. */
__noinline int medulla_compare(struct medulla_flow *flow, const struct medulla_packet *packet)
{
	__u32 zero = 0;
	struct flow_log *log = bpf_map_lookup_elem(&medulla_last, &zero);

	if (!log || !flow || !packet)
		return -1;
	flow_compare(&((struct flow_state *)flow->memory)->past, log, packet);
	return 0;
}

/* Takes the packet into its flow, which begins with it when it is new. */
__noinline int medulla_note_packet(struct medulla_flow *flow, const struct medulla_packet *packet,
				   const struct flow_packet *seen, const struct medulla_head *head)
{
	struct flow_pair_key key = {};
	struct flow_state *state;
	struct medulla_lock *lock;
	struct flow_pair *pair = 0;
	__u64 number;

	if (!flow || !packet || !seen || !head)
		return -1;
	lock = medulla_lock_of(flow);
	if (!lock)
		return -1;
	if (MEDULLA_REMEMBERS_PAIRS) {
		key = flow_pair_of(packet);
		pair = medulla_pair_of(&key);
	}
	state = (struct flow_state *)flow->memory;
	if (pair && !state->version)
		medulla_join(pair, &key, state, seen->time_us);
	bpf_spin_lock(&lock->lock);
	flow_take(state, packet, seen);
	if (head->count)
		flow_note_head(state, head->bytes, head->count);
	flow->ended = flow_has_ended(state);
	number = state->past.number;
	bpf_spin_unlock(&lock->lock);
	if (pair)
		flow_tell(pair, number, seen->length);
	flow->last_ns = seen->clock_ns;
	return 0;
}

/* How many bytes of the payload the flow still wants to see, of those that the frame has; 0 when it has seen
 * its first. */
static __always_inline __u32 medulla_wanted_head(const struct medulla_flow *flow,
						 const struct medulla_packet *packet, __u32 frame_bytes)
{
	__u32 bytes = packet->payload < FLOW_PAYLOAD_BYTES ? packet->payload : FLOW_PAYLOAD_BYTES;

	if (flow && ((const struct flow_state *)flow->memory)->head_bytes)
		return 0;
	if (packet->header + bytes > frame_bytes)
		bytes = frame_bytes > packet->header ? frame_bytes - packet->header : 0;
	return bytes;
}

static __always_inline struct medulla_flow *medulla_take_measured(struct medulla_packet *packet,
								  struct medulla_flow *flow,
								  const struct flow_packet *seen,
								  const struct medulla_head *head)
{
	packet->begins = 1;
	flow = medulla_take_found(packet, flow, seen->clock_ns);
	if (MEDULLA_REMEMBERS_LAST && flow && !((const struct flow_state *)flow->memory)->version)
		medulla_compare(flow, packet);
	return flow && !medulla_note_packet(flow, packet, seen, head) ? flow : 0;
}

/* A packet of a flow of which nobody asks anything more: it lives, and is measured no further but for what
 * says that it has ended: ends, and a direction's first packet. Where later flows of the same hosts may ask
 * for all its bytes, it is. */
static __always_inline int medulla_is_settled(const struct medulla_flow *flow,
					      const struct medulla_packet *packet)
{
	const struct flow_state *state;

	if (MEDULLA_REMEMBERS_PAIRS || !flow || packet->ends || !MEDULLA_IS_SETTLED(flow))
		return 0;
	state = (const struct flow_state *)flow->memory;
	return packet->reversed != state->reversed ? !!state->ways[FLOW_BACKWARD].lengths.count :
						     !!state->ways[FLOW_FORWARD].lengths.count;
}

static __always_inline struct medulla_flow *medulla_pass_settled(struct medulla_packet *packet,
								 struct medulla_flow *flow,
								 const struct flow_packet *seen)
{
	packet->begins = 1;
	flow = medulla_take_found(packet, flow, seen->clock_ns);
	if (!flow)
		return 0;
	((struct flow_state *)flow->memory)->last_us = seen->time_us;
	flow->last_ns = seen->clock_ns;
	return flow;
}

/* Takes a frame at tc into its flow, which begins with it where there is none; any packet may begin one. 0:
 * nothing is loaded. Not inline, for the sake of the stack. */
__attribute__((unused)) static __noinline struct medulla_flow *medulla_measure_tc(struct __sk_buff *skb,
							  struct medulla_packet *packet,
							  struct flow_packet *seen)
{
	struct medulla_flow *flow = medulla_find_measured(packet, seen);
	struct medulla_head head = {};
	__u32 bytes;

	if (medulla_is_settled(flow, packet))
		return medulla_pass_settled(packet, flow, seen);
	medulla_see_time(seen);
	bytes = medulla_wanted_head(flow, packet, skb->len);
	if (bytes && !bpf_skb_load_bytes(skb, packet->header, head.bytes,
					 MEDULLA_SIZE(bytes, FLOW_PAYLOAD_BYTES)))
		head.count = bytes;
	return medulla_take_measured(packet, flow, seen, &head);
}

/* The same at XDP. */
__attribute__((unused)) static __noinline struct medulla_flow *medulla_measure_xdp(struct xdp_md *frame,
							   struct medulla_packet *packet,
							   struct flow_packet *seen)
{
	struct medulla_flow *flow = medulla_find_measured(packet, seen);
	struct medulla_head head = {};
	__u32 bytes;

	if (medulla_is_settled(flow, packet))
		return medulla_pass_settled(packet, flow, seen);
	medulla_see_time(seen);
	bytes = medulla_wanted_head(flow, packet, seen->length);
	if (bytes && !bpf_xdp_load_bytes(frame, packet->header, head.bytes,
					 MEDULLA_SIZE(bytes, FLOW_PAYLOAD_BYTES)))
		head.count = bytes;
	return medulla_take_measured(packet, flow, seen, &head);
}

#ifndef MEDULLA_QUESTION /* which is made without a copy */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_state);
} medulla_copies SEC(".maps");

/* The flow as it is now, in this processor's own memory until the next call. */
static __always_inline const struct flow_state *medulla_measured(struct medulla_flow *flow)
{
	__u32 zero = 0;
	struct flow_state *copy = bpf_map_lookup_elem(&medulla_copies, &zero);
	struct medulla_lock *lock = medulla_lock_of(flow);

	if (!copy || !lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	__builtin_memcpy(copy, flow->memory, sizeof(*copy));
	bpf_spin_unlock(&lock->lock);
	return copy;
}

#endif

#endif /* MEDULLA_FLOW_FEATURES_BPF_H */
