/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What a sample of the congestion control says, apart from where it is written. */
#ifndef MEDULLA_CONGESTION_RECORD_H
#define MEDULLA_CONGESTION_RECORD_H

#include "congestion_state.h"

#define CONGESTION_OUTCOMES 8

/* A sampled decision that waits for what follows it. */
struct congestion_pending {
	__u64 version;
	__s64 action;
	__s64 shadow;
	__u32 slot;
	__u32 flags; /* of the sample to be; 0: none waits */
	__s32 features[MCC_FEATURES];
};

/* The words of a sample, after its header. */
struct congestion_words {
	__s64 features[MCC_FEATURES];
	__s64 action;
	__s64 shadow;
	__s64 outcomes[CONGESTION_OUTCOMES];
};

static inline void congestion_keep(struct congestion_pending *pending, const struct mcc_flow *flow,
				   __u64 version, __u32 slot, __u32 flags, __s64 action, __s64 shadow)
{
	pending->version = version;
	pending->action = action;
	pending->shadow = shadow;
	pending->slot = slot;
	pending->flags = flags;
	for (int i = 0; i < MCC_FEATURES; i++)
		pending->features[i] = flow->features[i];
}

static inline void congestion_write(struct congestion_words *words, const struct congestion_pending *pending,
				    const struct mcc_interval *last)
{
	for (int i = 0; i < MCC_FEATURES; i++)
		words->features[i] = pending->features[i];
	words->action = pending->action;
	words->shadow = pending->shadow;
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
