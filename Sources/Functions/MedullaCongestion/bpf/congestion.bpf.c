// SPDX-License-Identifier: GPL-2.0
/*
 * TCP congestion control by the network. `congestion_control.h` decides; this file brings it what an
 * ACK says, keeps a flow's state with its socket and its slot for its life, and writes rate and window.
 */
#include "congestion_flow.bpf.h"
#include "congestion_sample.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define CONGESTION_TCP 6		/* IPPROTO_TCP */
#define CONGESTION_TCP_CONGESTION 13	/* TCP_CONGESTION */
#define CONGESTION_FOR_ALL 1		/* TCP_CONG_NON_RESTRICTED: every user may select it */
#define CONGESTION_SLOW_RATE 150000	/* bytes/s; below it one segment at a time keeps pacing smooth */

/*
 * The steps of the controller are functions of their own, not static: the verifier then walks each once,
 * for any input, instead of once for each way that leads to it.
 */
__noinline int congestion_take_ack(struct mcc_flow *flow, const struct mcc_config *config,
				   const struct mcc_ack *ack)
{
	if (!flow || !config || !ack)
		return 0;
	return mcc_on_ack(flow, config, ack);
}

__noinline int congestion_apply(struct mcc_flow *flow, const struct mcc_config *config, __s64 action,
				__s64 verdict)
{
	if (!flow || !config)
		return 0;
	mcc_act(flow, config, action, verdict);
	return 1;
}

/* Hands the socket to the congestion control that the settings name; 0 when this program is done with it. */
static __always_inline int congestion_leave(struct sock *sk)
{
	const struct congestion_settings *settings = congestion_get_settings();
	char name[CONGESTION_NAME_BYTES];

	if (!settings)
		return -1;
	__builtin_memcpy(name, settings->successor, sizeof(name));
	return bpf_setsockopt(sk, CONGESTION_TCP, CONGESTION_TCP_CONGESTION, name, sizeof(name));
}

SEC("struct_ops")
void BPF_PROG(congestion_init, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	const struct medulla_control *control = medulla_get_control();
	const struct mcc_config *config = congestion_get_config();
	struct congestion_flow *flow;

	/* A listener that selected the name before another program set took it still hands on this one. */
	if (control && ((control->options & MEDULLA_RETIRED) || control->left_ns) &&
	    !congestion_leave(sk))
		return;

	/* With the fq qdisc the kernel has set this already, and fq paces. */
	if (sk->sk_pacing_status == MEDULLA_PACING_NONE)
		sk->sk_pacing_status = MEDULLA_PACING_NEEDED;
	if (!config)
		return;
	flow = congestion_flow_of(sk, tp, config);
	if (flow)
		congestion_publish(sk, tp, flow, 0);
}

SEC("struct_ops")
void BPF_PROG(congestion_release, struct sock *sk)
{
	struct congestion_flow *flow = bpf_sk_storage_get(&congestion_flows, sk, 0, 0);

	if (!flow)
		return;
	if (flow->started)
		medulla_release_pin(__sync_lock_test_and_set(&flow->pin, (__u64)MEDULLA_NO_PIN));
	bpf_sk_storage_delete(&congestion_flows, sk);
}

/*
 * A kernel may pass a program by (by its guard against recursion, or one that keeps programs out of a task),
 * and its trampoline then returns what the stack held there. So no answer of a callback may do harm when it
 * is any number: there is no `sndbuf_expand`, of whose product the kernel makes a send buffer (it was the
 * segment's size instead of 3, and a socket queued 90 MB), and the kernel's own two windows stand. It demands
 * the next two; each ACK sets window and threshold anew. `min_tso_segs` it bounds by what a buffer may hold.
 *
 * The kernel asks for a threshold at the first loss; the controller's window has the answer already.
 */
SEC("struct_ops")
__u32 BPF_PROG(congestion_ssthresh, struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_ssthresh;
}

SEC("struct_ops")
__u32 BPF_PROG(congestion_undo_cwnd, struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_cwnd;
}

SEC("struct_ops")
__u32 BPF_PROG(congestion_min_tso_segs, struct sock *sk)
{
	return sk->sk_pacing_rate < CONGESTION_SLOW_RATE ? 1 : 2;
}

SEC("struct_ops")
void BPF_PROG(congestion_set_state, struct sock *sk, __u8 state)
{
	struct congestion_flow *flow = bpf_sk_storage_get(&congestion_flows, sk, 0, 0);
	const struct mcc_config *config = congestion_get_config();
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct medulla_counts *counts;

	if (!flow || !config || !flow->started)
		return;
	if (state == MEDULLA_CA_LOSS && flow->state != MEDULLA_CA_LOSS) {
		mcc_on_timeout(&flow->controller, config, tp->tcp_mstamp, tp->srtt_us >> 3);
		counts = medulla_get_counts(medulla_pin_of(flow->pin) % MEDULLA_SLOTS);
		if (counts)
			medulla_count(&counts->function[CONGESTION_TIMEOUTS], 1);
	}
	flow->state = state;
}

SEC("struct_ops")
void BPF_PROG(congestion_cwnd_event, struct sock *sk, int event)
{
	struct congestion_flow *flow;
	const struct mcc_config *config;
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	__u64 now, idle, begun;

	/* On short paths pacing alone lets the flight run empty: only a pause of the application restarts. */
	if (event != MEDULLA_CA_EVENT_TX_START || !tp->app_limited)
		return;
	flow = bpf_sk_storage_get(&congestion_flows, sk, 0, 0);
	config = congestion_get_config();
	if (!flow || !config || !flow->started)
		return;
	now = tp->tcp_mstamp;
	idle = now > flow->last_ack_us ? now - flow->last_ack_us : 0;
	begun = flow->controller.interval_start_us;
	mcc_on_restart(&flow->controller, config, now, tp->srtt_us >> 3, idle);
	/* What follows a pause does not follow from the decision before it. */
	if (flow->controller.interval_start_us != begun)
		flow->pending.flags = 0;
	flow->last_ack_us = now;
	congestion_publish(sk, tp, flow, 0);
}

/* One decision for the flow. */
static __noinline int congestion_decide(struct congestion_flow *flow, const struct mcc_config *config,
					const struct medulla_control *control, __u32 slot)
{
	struct medulla_asking asking;
	struct medulla_outputs given;
	struct medulla_decision decision = {};

	if (medulla_begin_decision(&asking, control, slot))
		return 0;
	mcc_features(&flow->controller, medulla_features_of(&asking), MEDULLA_INPUTS);
	medulla_end_decision(&asking, flow->controller.decisions, flow->number, &given, &decision);
	flow->action = given.words[0];
	flow->decided_us = flow->controller.interval_start_us;
	if (decision.flags & MEDULLA_SAMPLE_VALID)
		congestion_remember(&flow->pending, &flow->controller, &decision, &given);
	return congestion_apply(&flow->controller, config, given.words[0],
				MEDULLA_OUTPUTS > 1 ? given.words[MEDULLA_OUTPUTS - 1] : MCC_NO_VERDICT);
}

/* An interval has ended: what waited goes up, unless the interval tells of the application and not of the
 * path. */
static __always_inline void congestion_follow_up(struct congestion_flow *flow)
{
	const struct mcc_interval *last = &flow->controller.last;

	if (!flow->pending.flags)
		return;
	if (last->app_limited * 2ULL <= last->acked)
		congestion_emit(&flow->pending, last, flow->number);
	flow->pending.flags = 0;
}

SEC("struct_ops")
void congestion_main(unsigned long long *arguments)
{
	struct sock *sk = (struct sock *)arguments[0];
	const struct rate_sample *sample = congestion_sample_of(arguments);
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	const struct medulla_control *control = medulla_get_control();
	const struct mcc_config *config = congestion_get_config();
	struct congestion_flow *flow;
	struct medulla_counts *counts;
	struct mcc_ack ack;
	__u64 now_ns = tp->tcp_mstamp * 1000;
	__u32 slot, guard_events, rival_events, intervals;
	int due;

	/* Older kernels do not promise the verifier that there is a sample. */
	if (!config || !control || !sample)
		return;
	/* When it succeeds `congestion_release` has run and the other's `init` too. */
	if (medulla_must_leave(control, now_ns) && !congestion_leave(sk))
		return;
	flow = congestion_flow_of(sk, tp, config);
	if (!flow) {
		counts = medulla_get_counts(medulla_active_slot(control));
		if (counts)
			medulla_count(&counts->function[CONGESTION_STATELESS], 1);
		return;
	}
	slot = medulla_follow(control, &flow->pin, now_ns);
	counts = medulla_get_counts(slot);
	if (!counts)
		return;
	medulla_store_ordered32(&flow->sequence, flow->sequence + 1);
	guard_events = flow->controller.guard_events;
	rival_events = flow->controller.rival_events;
	intervals = flow->controller.intervals;
	congestion_read_ack(&ack, tp, sample, flow);
	due = congestion_take_ack(&flow->controller, config, &ack);
	if (flow->controller.guard_events != guard_events)
		medulla_count(&counts->function[CONGESTION_GUARD_EVENTS], 1);
	if (flow->controller.intervals != intervals)
		congestion_follow_up(flow);
	if (due)
		congestion_decide(flow, config, control, slot);
	if (flow->controller.rival_events != rival_events)
		medulla_count(&counts->function[CONGESTION_RIVALS], 1);
	medulla_store_ordered32(&flow->sequence, flow->sequence + 1);
	congestion_publish(sk, tp, flow, ack.acked);
}

/* Writes a flow's record into user space's read of an iterator. */
static __always_inline int congestion_tell(struct bpf_iter_meta *meta, struct congestion_flow *flow)
{
	const struct medulla_control *control = medulla_get_control();
	struct congestion_flow_record record = {};
	__u32 sequence;

	if (!flow || !control || !medulla_load_ordered32(&flow->started))
		return 0;
	sequence = medulla_load_ordered32(&flow->sequence);
	record.slot = medulla_own_slot(control, *(volatile __u64 *)&flow->pin);
	record.phase = flow->controller.phase;
	record.rate = flow->controller.rate;
	record.window = flow->controller.window;
	record.min_rtt_us = flow->controller.base_us;
	record.decisions = flow->controller.decisions;
	record.guard_events = flow->controller.guard_events;
	record.rival = flow->controller.rival;
	record.action = flow->action;
	record.explains = flow->decided_us && flow->decided_us == flow->controller.interval_start_us;
	for (int i = 0; i < MCC_FEATURES; i++)
		record.features[i] = flow->controller.features[i];
	/* An ACK came in between: the figures are each right, but not of one moment. */
	if (sequence & 1 || sequence != medulla_load_ordered32(&flow->sequence))
		record.explains = 0;
	bpf_seq_write(meta->seq, &record, sizeof(record));
	return 0;
}

static __always_inline int congestion_follow_on(struct congestion_flow *flow)
{
	const struct medulla_control *control = medulla_get_control();

	if (flow && control && medulla_load_ordered32(&flow->started))
		medulla_follow(control, &flow->pin, bpf_ktime_get_ns());
	return 0;
}

/* Lists the flows, of every network namespace. */
SEC("iter/bpf_sk_storage_map")
int congestion_list(struct bpf_iter__bpf_sk_storage_map *context)
{
	return congestion_tell(context->meta, context->value);
}

/* Moves the flows of slots that are to be emptied, idle ones too. */
SEC("iter/bpf_sk_storage_map")
int congestion_drain(struct bpf_iter__bpf_sk_storage_map *context)
{
	return congestion_follow_on(context->value);
}

/*
 * The same over the sockets of one network namespace, for kernels that refuse the iterator over their memory;
 * of the two pairs one is loaded.
 */
static __always_inline struct congestion_flow *congestion_flow_at(struct sock_common *common)
{
	struct tcp_sock *tp = common ? bpf_skc_to_tcp_sock(common) : 0;

	return tp ? bpf_sk_storage_get(&congestion_flows, tp, 0, 0) : 0;
}

SEC("iter/tcp")
int congestion_list_tcp(struct bpf_iter__tcp *context)
{
	return congestion_tell(context->meta, congestion_flow_at(context->sk_common));
}

SEC("iter/tcp")
int congestion_drain_tcp(struct bpf_iter__tcp *context)
{
	return congestion_follow_on(congestion_flow_at(context->sk_common));
}

SEC(".struct_ops.link")
struct tcp_congestion_ops congestion_ops = {
	.init = (void *)congestion_init,
	.release = (void *)congestion_release,
	.ssthresh = (void *)congestion_ssthresh,
	.undo_cwnd = (void *)congestion_undo_cwnd,
	.min_tso_segs = (void *)congestion_min_tso_segs,
	.set_state = (void *)congestion_set_state,
	.cwnd_event = (void *)congestion_cwnd_event,
	.cong_control = (void *)congestion_main,
	.name = "medulla",
	.flags = CONGESTION_FOR_ALL,
};
