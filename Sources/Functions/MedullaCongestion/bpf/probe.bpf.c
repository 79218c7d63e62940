// SPDX-License-Identifier: GPL-2.0
/*
 * The least that a TCP congestion control can be: loaded and thrown away to see whether the kernel can. It
 * reads what the kernel measured, by either list of arguments, as the real one does.
 */
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
void probe_main(unsigned long long *arguments)
{
	const struct rate_sample *sample = congestion_sample_of(arguments);

	if (sample && sample->rtt_us > 0)
		((struct tcp_sock *)arguments[0])->snd_ssthresh = (__u32)sample->rtt_us;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops probe_ops = {
	.ssthresh = (void *)probe_window,
	.undo_cwnd = (void *)probe_undo,
	.cong_control = (void *)probe_main,
	.name = "medulla_probe",
};
