/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What a sample of the congestion control says, apart from where it is written. */
#ifndef MEDULLA_CONGESTION_RECORD_H
#define MEDULLA_CONGESTION_RECORD_H

#include "congestion_state.h"

#define CONGESTION_OUTCOMES 8

/* Of the network: a program's shape says them. */
#ifdef MEDULLA_INPUTS
#define CONGESTION_INPUTS MEDULLA_INPUTS
#define CONGESTION_OUTPUTS MEDULLA_OUTPUTS
#else
#define CONGESTION_INPUTS MCC_FEATURES
#define CONGESTION_OUTPUTS 2
#endif

/* A sampled decision that waits for what follows it. */
struct congestion_pending {
	__u64 version;
	__s64 outputs[CONGESTION_OUTPUTS];
	__s64 shadow[CONGESTION_OUTPUTS];
	__u32 slot;
	__u32 flags; /* of the sample to be; 0: none waits */
	__s32 features[CONGESTION_INPUTS];
};

/* The words of a sample, after its header. */
struct congestion_words {
	__s64 features[CONGESTION_INPUTS];
	__s64 outputs[CONGESTION_OUTPUTS];
	__s64 shadow[CONGESTION_OUTPUTS];
	__s64 outcomes[CONGESTION_OUTCOMES];
};

static inline void congestion_keep(struct congestion_pending *pending, const struct mcc_flow *flow,
				   __u64 version, __u32 slot, __u32 flags, const __s64 *outputs,
				   const __s64 *shadow)
{
	pending->version = version;
	pending->slot = slot;
	pending->flags = flags;
	for (int i = 0; i < CONGESTION_OUTPUTS; i++) {
		pending->outputs[i] = outputs[i];
		pending->shadow[i] = shadow[i];
	}
	for (int i = 0; i < CONGESTION_INPUTS; i++)
		pending->features[i] = flow->features[i];
}

static inline void congestion_write(struct congestion_words *words, const struct congestion_pending *pending,
				    const struct mcc_interval *last)
{
	for (int i = 0; i < CONGESTION_INPUTS; i++)
		words->features[i] = pending->features[i];
	for (int i = 0; i < CONGESTION_OUTPUTS; i++) {
		words->outputs[i] = pending->outputs[i];
		words->shadow[i] = pending->shadow[i];
	}
	words->outcomes[0] = last->acked;
	words->outcomes[1] = last->lost;
	words->outcomes[2] = last->marked;
	words->outcomes[3] = last->rtt_us;
	words->outcomes[4] = last->min_rtt_us;
	words->outcomes[5] = (__s64)last->elapsed_us;
	words->outcomes[6] = (__s64)last->rate;
	words->outcomes[7] = (__s64)last->delivery_rate;
}

#endif /* MEDULLA_CONGESTION_RECORD_H */
