// SPDX-License-Identifier: GPL-2.0
/*
 * DCTCP (RFC 8257) for kernels without its module. The sender keeps a moving average, alpha, of the share of
 * packets that came through marked, and answers marks by taking that share of half the window. Losses are
 * answered as Reno does. The receiver echoes each change of the marking exactly, so both ends must use it.
 */
#include "dctcp.h"

char LICENSE[] SEC("license") = "GPL";

#define DCTCP_SHIFT 4	      /* g = 1/16, as RFC 8257 says in section 4.2 */
#define DCTCP_ONE_SHIFT 10    /* alpha is a fraction of 1024 */
#define DCTCP_ONE (1 << DCTCP_ONE_SHIFT)
#define DCTCP_WINDOW_MIN 2
#define DCTCP_FOR_ALL 1	      /* TCP_CONG_NON_RESTRICTED */
#define DCTCP_NEEDS_ECN 2     /* TCP_CONG_NEEDS_ECN */
#define DCTCP_ECN_OK 1	      /* TCP_ECN_OK: the handshake agreed on it */
#define DCTCP_DEMAND_CWR 4    /* TCP_ECN_DEMAND_CWR: acknowledgements carry the echo */
#define DCTCP_ACK_TIMER 2     /* ICSK_ACK_TIMER: an acknowledgement is being delayed */
#define DCTCP_ACK_NOW 16      /* ICSK_ACK_NOW */
#define DCTCP_TCP 6	      /* IPPROTO_TCP */
#define DCTCP_TCP_CONGESTION 13 /* TCP_CONGESTION */

/* In the socket's own room for its congestion control. */
struct dctcp_flow {
	__u32 alpha;
	__u32 window_end; /* sequence number at which the window of alpha ends */
	__u32 delivered;  /* at the window's begin */
	__u32 delivered_ce;
	__u32 received;	  /* next expected sequence number before the segment that is being handled */
	__u32 marking;	  /* 1: the last segment was marked */
	__u32 window_lost; /* congestion window before the last reaction to loss */
	__u32 state;
};

_Static_assert(sizeof(struct dctcp_flow) <= 13 * sizeof(__u64), "fits icsk_ca_priv");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dctcp_counts);
} dctcp_counts SEC(".maps");

extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;

static __always_inline struct dctcp_flow *dctcp_flow_of(struct sock *sk)
{
	return (struct dctcp_flow *)((struct inet_connection_sock *)sk)->icsk_ca_priv;
}

static __always_inline struct dctcp_counts *dctcp_get_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&dctcp_counts, &zero);
}

static __always_inline __u32 dctcp_at_least(__u32 window)
{
	return window < DCTCP_WINDOW_MIN ? DCTCP_WINDOW_MIN : window;
}

static __always_inline void dctcp_begin_window(const struct tcp_sock *tp, struct dctcp_flow *flow)
{
	flow->window_end = tp->snd_nxt;
	flow->delivered = tp->delivered;
	flow->delivered_ce = tp->delivered_ce;
}

SEC("struct_ops")
void BPF_PROG(dctcp_init, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct dctcp_flow *flow = dctcp_flow_of(sk);
	struct dctcp_counts *counts = dctcp_get_counts();

	if (!(tp->ecn_flags & DCTCP_ECN_OK)) {
		char reno[16] = "reno";

		if (counts)
			counts->without++;
		/* Its own init follows; this socket's room is then not ours. */
		bpf_setsockopt(sk, DCTCP_TCP, DCTCP_TCP_CONGESTION, reno, sizeof(reno));
		return;
	}
	flow->alpha = DCTCP_ONE; /* the first marks count for all they may mean */
	flow->received = tp->rcv_nxt;
	flow->marking = 0;
	flow->window_lost = 0;
	flow->state = 0;
	dctcp_begin_window(tp, flow);
}

/* Once a window of data: alpha = (1 - g) alpha + g (marked / delivered). */
SEC("struct_ops")
void BPF_PROG(dctcp_in_ack_event, struct sock *sk, __u32 flags)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct dctcp_flow *flow = dctcp_flow_of(sk);
	struct dctcp_counts *counts = dctcp_get_counts();
	__u32 delivered, marked, alpha, share;

	if ((__s32)(tp->snd_una - flow->window_end) < 0)
		return;
	delivered = tp->delivered - flow->delivered;
	marked = tp->delivered_ce - flow->delivered_ce;
	/* An end that only receives has no windows. */
	if (!delivered)
		return;
	alpha = flow->alpha;
	share = alpha >> DCTCP_SHIFT;
	/* The last sixteenths would never go away by rounding down. */
	alpha -= share ? share : alpha;
	if (marked) {
		__u64 sum = (__u64)marked << (DCTCP_ONE_SHIFT - DCTCP_SHIFT);

		sum = alpha + sum / delivered;
		alpha = sum < DCTCP_ONE ? sum : DCTCP_ONE;
	}
	flow->alpha = alpha;
	dctcp_begin_window(tp, flow);
	if (!counts)
		return;
	counts->windows++;
	counts->marked += marked ? 1 : 0;
	counts->alpha_sum += alpha;
}

/* The answer to marks, which TCP asks for at most once a window: cwnd (1 - alpha / 2). */
SEC("struct_ops")
__u32 BPF_PROG(dctcp_ssthresh, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct dctcp_flow *flow = dctcp_flow_of(sk);
	__u64 cut = (__u64)tp->snd_cwnd * flow->alpha >> (DCTCP_ONE_SHIFT + 1);

	flow->window_lost = tp->snd_cwnd;
	return dctcp_at_least(tp->snd_cwnd - (__u32)cut);
}

static __always_inline void dctcp_on_loss(struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct dctcp_counts *counts = dctcp_get_counts();

	dctcp_flow_of(sk)->window_lost = tp->snd_cwnd;
	tp->snd_ssthresh = dctcp_at_least(tp->snd_cwnd >> 1);
	if (counts)
		counts->losses++;
}

SEC("struct_ops")
void BPF_PROG(dctcp_set_state, struct sock *sk, __u8 state)
{
	struct dctcp_flow *flow = dctcp_flow_of(sk);

	/* Timeouts come as an event. */
	if (state == DCTCP_STATE_RECOVERY && flow->state != DCTCP_STATE_RECOVERY)
		dctcp_on_loss(sk);
	flow->state = state;
}

static __always_inline void dctcp_echo(struct tcp_sock *tp, __u32 marking)
{
	__u8 flags = tp->ecn_flags;

	tp->ecn_flags = marking ? flags | DCTCP_DEMAND_CWR : flags & ~DCTCP_DEMAND_CWR;
}

/*
 * The receiver's part (RFC 8257, section 3.2): when the marking changes, what was being delayed is
 * acknowledged with the old echo first, and the new segment at once.
 */
static __always_inline void dctcp_on_segment(struct sock *sk, __u32 marking)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct inet_connection_sock *connection = (struct inet_connection_sock *)sk;
	struct dctcp_flow *flow = dctcp_flow_of(sk);

	if (flow->marking != marking) {
		__u8 pending = connection->icsk_ack.pending;

		if (pending & DCTCP_ACK_TIMER) {
			dctcp_echo(tp, flow->marking);
			bpf_tcp_send_ack(tp, flow->received);
		}
		connection->icsk_ack.pending |= DCTCP_ACK_NOW;
	}
	flow->received = tp->rcv_nxt;
	flow->marking = marking;
	dctcp_echo(tp, marking);
}

SEC("struct_ops")
void BPF_PROG(dctcp_cwnd_event, struct sock *sk, int event)
{
	if (event == DCTCP_EVENT_IS_CE)
		dctcp_on_segment(sk, 1);
	else if (event == DCTCP_EVENT_NO_CE)
		dctcp_on_segment(sk, 0);
	else if (event == DCTCP_EVENT_LOSS)
		dctcp_on_loss(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(dctcp_undo_cwnd, struct sock *sk)
{
	__u32 window = ((struct tcp_sock *)sk)->snd_cwnd;
	__u32 before = dctcp_flow_of(sk)->window_lost;

	return window > before ? window : before;
}

SEC("struct_ops")
void BPF_PROG(dctcp_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops dctcp_ops = {
	.init = (void *)dctcp_init,
	.in_ack_event = (void *)dctcp_in_ack_event,
	.cwnd_event = (void *)dctcp_cwnd_event,
	.ssthresh = (void *)dctcp_ssthresh,
	.cong_avoid = (void *)dctcp_cong_avoid,
	.undo_cwnd = (void *)dctcp_undo_cwnd,
	.set_state = (void *)dctcp_set_state,
	.flags = DCTCP_FOR_ALL | DCTCP_NEEDS_ECN,
	.name = "dctcp",
};
