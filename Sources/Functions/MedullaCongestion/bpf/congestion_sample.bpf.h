/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Samples of the congestion control: a decision waits with its flow until the monitor interval after it has
 * ended, and goes up with what that interval was like.
 */
#ifndef MEDULLA_CONGESTION_SAMPLE_BPF_H
#define MEDULLA_CONGESTION_SAMPLE_BPF_H

#include "medulla.bpf.h"
#include "congestion_record.h"

_Static_assert(__builtin_offsetof(struct medulla_sample, outcomes) ==
		       sizeof(struct medulla_sample_header) +
			       __builtin_offsetof(struct congestion_words, outcomes),
	       "a sample of the congestion control's shape");
_Static_assert(CONGESTION_OUTCOMES <= MEDULLA_OUTCOMES, "a sample has room for them");

/* Remembers the decision that was just made, until what follows it is known. */
__noinline int congestion_remember(struct congestion_pending *pending, const struct mcc_flow *flow,
				   const struct medulla_decision *decision,
			     const struct medulla_outputs *given)
{
	if (!pending || !flow || !decision || !given)
		return 0;
	congestion_keep(pending, flow, decision->version, decision->slot, decision->flags, given->words,
			decision->shadow);
	return 1;
}

/* Sends up the decision that waits, with the interval that has ended. */
__noinline int congestion_emit(const struct congestion_pending *pending, const struct mcc_interval *last,
			       __u64 flow)
{
	struct medulla_sample *sample;

	if (!pending || !last)
		return 0;
	sample = medulla_reserve_sample(flow, pending->slot, pending->version);
	if (!sample)
		return 0;
	sample->header.flags = pending->flags;
	sample->header.outcomes = CONGESTION_OUTCOMES;
	congestion_write((struct congestion_words *)sample->features, pending, last);
	for (int i = CONGESTION_OUTCOMES; i < MEDULLA_OUTCOMES; i++)
		sample->outcomes[i] = 0;
	medulla_send_sample(sample);
	return 1;
}

#endif /* MEDULLA_CONGESTION_SAMPLE_BPF_H */
