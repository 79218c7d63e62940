// SPDX-License-Identifier: GPL-2.0
/*
 * TCP congestion control with its inference in user space, in the manner of CCP: features go up a ring
 * buffer, an agent writes the action into a map, and the flow takes it at its next acknowledgement. The
 * controller around the network, its features, its start and its guard are those of `congestion.bpf.c`.
 */
#include "congestion_flow.bpf.h"
#include "user_space.h"

char LICENSE[] SEC("license") = "GPL";

_Static_assert(USER_SPACE_FEATURES == MCC_FEATURES, "a report holds the controller's features");

#define USER_SPACE_FOR_ALL 1	 /* TCP_CONG_NON_RESTRICTED */
#define USER_SPACE_SLOW_RATE 150000

struct user_space_flow {
	struct congestion_flow common;
	__u64 reported_us;
	__u32 place;
	__u32 reported; /* 0: nothing yet */
	__u32 due;	/* decisions that were due, with the flow's 8 bits */
	__u32 taken;	/* the last of them that was acted on */
	__u32 step_q16; /* round trips that no action has been taken for, at most 1 */
	__u32 held_window;
	__u64 held_rate;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct user_space_flow);
} user_space_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct user_space_settings);
} user_space_settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, USER_SPACE_RING_BYTES);
} user_space_reports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, USER_SPACE_PLACES);
	__type(key, __u32);
	__type(value, struct user_space_answer);
} user_space_answers SEC(".maps");

/* The flow that each place belongs to; 0: free. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, USER_SPACE_PLACES);
	__type(key, __u32);
	__type(value, __u64);
} user_space_owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct user_space_counts);
} user_space_counts SEC(".maps");

static __always_inline struct user_space_counts *user_space_get_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&user_space_counts, &zero);
}

static __always_inline const struct user_space_settings *user_space_get_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&user_space_settings, &zero);
}

/* A place for the answers of flow `number`; USER_SPACE_NO_PLACE when those that it may have are taken. */
static __noinline __u32 user_space_take_place(__u64 number)
{
	for (int i = 0; i < USER_SPACE_PLACE_TRIES; i++) {
		__u32 place = (number + i) & (USER_SPACE_PLACES - 1);
		__u64 *owner = bpf_map_lookup_elem(&user_space_owners, &place);
		struct user_space_answer *answer = bpf_map_lookup_elem(&user_space_answers, &place);

		if (!owner || !answer || __sync_val_compare_and_swap(owner, 0, number))
			continue;
		*(volatile __u64 *)&answer->word = 0;
		return place;
	}
	return USER_SPACE_NO_PLACE;
}

static __always_inline void user_space_start(struct user_space_flow *flow, const struct mcc_config *config,
					      struct tcp_sock *tp)
{
	struct user_space_counts *counts = user_space_get_counts();

	congestion_start(&flow->common, config, tp);
	flow->place = user_space_take_place(flow->common.number);
	flow->reported = 0;
	flow->reported_us = 0;
	flow->due = (__u32)flow->common.number << 24;
	flow->taken = flow->due;
	flow->step_q16 = 0;
	if (counts && flow->place == USER_SPACE_NO_PLACE)
		counts->unserved++;
}

static __always_inline struct user_space_flow *user_space_flow_of(struct sock *sk, struct tcp_sock *tp,
								  const struct mcc_config *config)
{
	struct user_space_flow *flow =
		bpf_sk_storage_get(&user_space_flows, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (flow && !flow->common.started)
		user_space_start(flow, config, tp);
	return flow;
}

/* How many decisions `decision` is after `other`, in 24 bits with a sign. */
static __always_inline __s32 user_space_distance(__u32 decision, __u32 other)
{
	return (__s32)((decision - other) << 8);
}

/* Acts on the agent's answer when it is of a decision that was not acted on yet; 1 when it was. */
__noinline int user_space_take_answer(struct user_space_flow *flow, const struct mcc_config *config)
{
	struct user_space_answer *answer;
	__u32 place, decision, step;
	__s64 verdict;
	__u64 word;

	if (!flow || !config)
		return 0;
	place = flow->place;
	answer = bpf_map_lookup_elem(&user_space_answers, &place);
	if (!answer)
		return 0;
	word = *(volatile __u64 *)&answer->word;
	decision = word >> 32;
	if ((decision ^ flow->due) >> 24 || user_space_distance(decision, flow->taken) <= 0 ||
	    user_space_distance(decision, flow->due) > 0)
		return 0;
	flow->taken = decision;
	if (flow->common.controller.phase != MCC_STEER)
		return 0;
	/* The action is for all the time since the last one, as each of the kernel's is for its interval. */
	step = flow->common.controller.step_q16;
	flow->common.controller.step_q16 = flow->step_q16;
	flow->step_q16 = 0;
	flow->common.action = (__s32)(__u32)word >> 8;
	verdict = (__s8)word;
	mcc_act(&flow->common.controller, config, flow->common.action,
		verdict == USER_SPACE_NO_VERDICT ? MCC_NO_VERDICT : verdict << 12);
	flow->common.controller.step_q16 = step;
	return 1;
}

__noinline int user_space_take_ack(struct user_space_flow *flow, const struct mcc_config *config,
				   const struct mcc_ack *ack)
{
	struct mcc_flow *controller;
	__u32 step;

	if (!flow || !config || !ack)
		return 0;
	controller = &flow->common.controller;
	if (!mcc_on_ack(controller, config, ack))
		return 0;
	flow->due = (flow->due & 0xff000000) | ((flow->due + 1) & 0xffffff);
	step = flow->step_q16 + controller->step_q16;
	flow->step_q16 = step < MCC_ONE ? step : MCC_ONE;
	return 1;
}

/*
 * Rate to pacing, window to the window. With `holds` those of the last interval's end or answer stay,
 * whatever the controller has made of the acknowledgements since: user space would not know of them yet.
 */
static __always_inline void user_space_publish(struct sock *sk, struct tcp_sock *tp,
					       struct user_space_flow *flow, __u32 acked, int holds)
{
	struct mcc_flow *controller = &flow->common.controller;
	__u64 rate = controller->rate;
	__u32 window = controller->window;

	if (!holds) {
		flow->held_rate = rate;
		flow->held_window = window;
	}
	controller->rate = flow->held_rate;
	controller->window = flow->held_window;
	congestion_publish(sk, tp, &flow->common, acked);
	controller->rate = rate;
	controller->window = window;
}

/* Sends the features up when it is time. */
static __always_inline void user_space_report(struct user_space_flow *flow, int due, __u64 now_us,
					       struct user_space_counts *counts,
					       const struct user_space_settings *settings)
{
	struct user_space_report *report;

	if (flow->place == USER_SPACE_NO_PLACE || flow->common.controller.phase != MCC_STEER)
		return;
	if (settings->only_due && !due)
		return;
	if (flow->reported && now_us - flow->reported_us < settings->every_us)
		return;
	flow->reported = 1;
	flow->reported_us = now_us;
	report = bpf_ringbuf_reserve(&user_space_reports, sizeof(*report), 0);
	if (!report) {
		counts->dropped++;
		return;
	}
	report->place = flow->place;
	report->decision = flow->due;
	for (int i = 0; i < MCC_FEATURES; i++)
		report->features[i] = flow->common.controller.features[i];
	report->time_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(report, settings->wakeup);
	counts->reports++;
}

SEC("struct_ops")
void BPF_PROG(user_space_init, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	const struct mcc_config *config = congestion_get_config();
	struct user_space_flow *flow;

	if (sk->sk_pacing_status == MEDULLA_PACING_NONE)
		sk->sk_pacing_status = MEDULLA_PACING_NEEDED;
	if (!config)
		return;
	flow = user_space_flow_of(sk, tp, config);
	if (flow)
		user_space_publish(sk, tp, flow, 0, 0);
}

SEC("struct_ops")
void BPF_PROG(user_space_release, struct sock *sk)
{
	struct user_space_flow *flow = bpf_sk_storage_get(&user_space_flows, sk, 0, 0);
	__u64 *owner;
	__u32 place;

	if (!flow)
		return;
	place = flow->place;
	owner = flow->common.started ? bpf_map_lookup_elem(&user_space_owners, &place) : 0;
	if (owner)
		__sync_val_compare_and_swap(owner, flow->common.number, 0);
	bpf_sk_storage_delete(&user_space_flows, sk);
}

SEC("struct_ops")
__u32 BPF_PROG(user_space_ssthresh, struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_ssthresh;
}

SEC("struct_ops")
__u32 BPF_PROG(user_space_undo_cwnd, struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_cwnd;
}

SEC("struct_ops")
__u32 BPF_PROG(user_space_min_tso_segs, struct sock *sk)
{
	return sk->sk_pacing_rate < USER_SPACE_SLOW_RATE ? 1 : 2;
}

SEC("struct_ops")
void BPF_PROG(user_space_set_state, struct sock *sk, __u8 state)
{
	struct user_space_flow *flow = bpf_sk_storage_get(&user_space_flows, sk, 0, 0);
	const struct mcc_config *config = congestion_get_config();
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	if (!flow || !config || !flow->common.started)
		return;
	if (state == MEDULLA_CA_LOSS && flow->common.state != MEDULLA_CA_LOSS)
		mcc_on_timeout(&flow->common.controller, config, tp->tcp_mstamp, tp->srtt_us >> 3);
	flow->common.state = state;
}

SEC("struct_ops")
void BPF_PROG(user_space_cwnd_event, struct sock *sk, int event)
{
	struct user_space_flow *flow;
	const struct mcc_config *config;
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	__u64 now, idle;

	if (event != MEDULLA_CA_EVENT_TX_START || !tp->app_limited)
		return;
	flow = bpf_sk_storage_get(&user_space_flows, sk, 0, 0);
	config = congestion_get_config();
	if (!flow || !config || !flow->common.started)
		return;
	now = tp->tcp_mstamp;
	idle = now > flow->common.last_ack_us ? now - flow->common.last_ack_us : 0;
	mcc_on_restart(&flow->common.controller, config, now, tp->srtt_us >> 3, idle);
	flow->common.last_ack_us = now;
	user_space_publish(sk, tp, flow, 0, 0);
}

SEC("struct_ops")
void user_space_main(unsigned long long *arguments)
{
	struct sock *sk = (struct sock *)arguments[0];
	const struct rate_sample *sample = congestion_sample_of(arguments);
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	const struct mcc_config *config = congestion_get_config();
	struct user_space_counts *counts = user_space_get_counts();
	const struct user_space_settings *settings = user_space_get_settings();
	struct user_space_flow *flow;
	struct mcc_ack ack;
	__u32 intervals;
	int due, decided;

	if (!config || !counts || !settings || !sample)
		return;
	flow = user_space_flow_of(sk, tp, config);
	if (!flow)
		return;
	counts->acknowledgements++;
	decided = user_space_take_answer(flow, config);
	counts->decisions += decided;
	intervals = flow->common.controller.intervals;
	congestion_read_ack(&ack, tp, sample, &flow->common);
	due = user_space_take_ack(flow, config, &ack);
	counts->due += due;
	user_space_report(flow, due, ack.now_us, counts, settings);
	user_space_publish(sk, tp, flow, ack.acked,
			   settings->holds && !decided && intervals == flow->common.controller.intervals);
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct user_space_report);
} user_space_question SEC(".maps");

/* A report without a flow, by test run: what the agent answers can be looked at, and how fast. */
SEC("tc")
int user_space_ask(struct __sk_buff *skb)
{
	__u32 zero = 0;
	const struct user_space_report *question = bpf_map_lookup_elem(&user_space_question, &zero);
	const struct user_space_settings *settings = user_space_get_settings();
	struct user_space_report *report;

	if (!question || !settings)
		return -1;
	report = bpf_ringbuf_reserve(&user_space_reports, sizeof(*report), 0);
	if (!report)
		return -1;
	__builtin_memcpy(report, question, sizeof(*report));
	report->time_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(report, settings->wakeup);
	return 0;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops user_space_ops = {
	.init = (void *)user_space_init,
	.release = (void *)user_space_release,
	.ssthresh = (void *)user_space_ssthresh,
	.undo_cwnd = (void *)user_space_undo_cwnd,
	.min_tso_segs = (void *)user_space_min_tso_segs,
	.set_state = (void *)user_space_set_state,
	.cwnd_event = (void *)user_space_cwnd_event,
	.cong_control = (void *)user_space_main,
	.name = "user_space",
	.flags = USER_SPACE_FOR_ALL,
};
