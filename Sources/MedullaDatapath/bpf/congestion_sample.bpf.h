/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Samples of the congestion control: a decision waits with its flow until the monitor interval after it has
 * ended, and goes up with what that interval was like.
 */
#ifndef MEDULLA_CONGESTION_SAMPLE_BPF_H
#define MEDULLA_CONGESTION_SAMPLE_BPF_H

#include "congestion_flow.bpf.h"

/* Remembers the decision that was just made; `shadow`: what the staged snapshot said, or 0. */
__noinline int congestion_remember(struct congestion_flow *flow, __u32 slot, const struct medulla_outputs *shadow)
{
	if (!flow)
		return 0;
	flow->pending.version = medulla_version(slot);
	flow->pending.action = flow->action;
	flow->pending.shadow = shadow ? shadow->words[0] : 0;
	flow->pending.slot = slot;
	flow->pending.flags = MEDULLA_SAMPLE_VALID | (shadow ? MEDULLA_SAMPLE_SHADOW : 0);
	for (int i = 0; i < MCC_FEATURES; i++)
		flow->pending.features[i] = flow->controller.features[i];
	return 1;
}

/* Sends up the decision that waits, with the interval that has ended. */
__noinline int congestion_emit(struct congestion_flow *flow)
{
	const struct congestion_pending *pending;
	const struct mcc_interval *last;
	struct medulla_sample *sample;

	if (!flow)
		return 0;
	pending = &flow->pending;
	last = &flow->controller.last;
	sample = medulla_reserve_sample(flow->number, pending->slot, pending->version);
	if (!sample)
		return 0;
	sample->header.flags = pending->flags;
	sample->header.outcomes = MEDULLA_OUTCOMES;
	for (int i = 0; i < MCC_FEATURES; i++)
		sample->features[i] = pending->features[i];
	sample->outputs[0] = pending->action;
	sample->shadow[0] = pending->shadow;
	sample->outcomes[0] = last->acked;
	sample->outcomes[1] = last->lost;
	sample->outcomes[2] = last->marked;
	sample->outcomes[3] = last->rtt_us;
	sample->outcomes[4] = last->min_rtt_us;
	sample->outcomes[5] = last->elapsed_us;
	sample->outcomes[6] = last->rate;
	sample->outcomes[7] = last->delivery_rate;
	medulla_send_sample(sample);
	return 1;
}

/* An interval has ended: what waited goes up, unless the interval tells of the application and not of the path. */
static __always_inline void congestion_follow_up(struct congestion_flow *flow)
{
	const struct mcc_interval *last = &flow->controller.last;

	if (!flow->pending.flags)
		return;
	if (last->app_limited * 2ULL <= last->acked)
		congestion_emit(flow);
	flow->pending.flags = 0;
}

#endif /* MEDULLA_CONGESTION_SAMPLE_BPF_H */
