// SPDX-License-Identifier: GPL-2.0
/* The least that a TCP congestion control can be: loaded and thrown away to see whether the kernel can. */
#include "congestion_types.h"

char LICENSE[] SEC("license") = "GPL";

SEC("struct_ops")
__u32 BPF_PROG(probe_window, struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_cwnd;
}

SEC("struct_ops")
__u32 BPF_PROG(probe_undo, struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_cwnd;
}

SEC("struct_ops")
void BPF_PROG(probe_main, struct sock *sk, __u32 acknowledged, int flag, const struct rate_sample *sample)
{
}

SEC(".struct_ops.link")
struct tcp_congestion_ops probe_ops = {
	.ssthresh = (void *)probe_window,
	.undo_cwnd = (void *)probe_undo,
	.cong_control = (void *)probe_main,
	.name = "medulla_probe",
};
