/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * Losses without a queue are the link's, and sending less does not change them, or a policer's, which drops
 * what is above its rate. A flow that loses packets sends less for a moment: losses that go by that are a
 * policer's, and what was delivered before is the ceiling of the rate from then on. It is raised now and
 * then, by more and more while that costs nothing.
 */
#ifndef MEDULLA_CONGESTION_POLICER_H
#define MEDULLA_CONGESTION_POLICER_H

#include "congestion_past.h"

/* Three quarters of what is delivered, for some round trips. */
static inline void mcc_start_trial(struct mcc_flow *flow)
{
	struct mcc_policer *policer = &flow->policer;

	policer->loss = flow->past.loss_share;
	policer->rate = flow->delivery_rate;
	policer->ceiling = flow->delivery_rate * 3 / 4;
	policer->acked = 0;
	policer->lost = 0;
	policer->rounds = MCC_TRIAL_ROUNDS * MCC_ONE;
	policer->is_trial = 1;
}

/* Ends a trial in which enough was sent: an eighth of the losses is left at most, or it was not the rate. */
static inline void mcc_end_trial(struct mcc_flow *flow)
{
	struct mcc_policer *policer = &flow->policer;
	__u64 expected = ((__u64)policer->acked + policer->lost) * policer->loss >> 16;

	if (expected < MCC_TRIAL_LOST && !flow->rival)
		return;
	policer->is_trial = 0;
	policer->rounds = MCC_TRIAL_AGAIN * MCC_ONE;
	policer->ceiling = 0;
	/* What the trial has given way by says nothing of the path. */
	flow->past.stay_rounds = 0;
	if (flow->rival || policer->lost * 8ULL > expected)
		return;
	policer->ceiling = policer->rate;
	policer->shift = 4;
	policer->rounds = MCC_CEILING_ROUNDS * MCC_ONE;
}

/* A known ceiling: losses say where it is, and time that it may be higher. */
static inline void mcc_move_ceiling(struct mcc_flow *flow, int lossy)
{
	struct mcc_policer *policer = &flow->policer;

	/* Who loses packets well below the ceiling has something else in the way. */
	if (lossy && flow->delivery_rate * 4 < policer->ceiling * 3) {
		policer->ceiling = 0;
		policer->rounds = MCC_TRIAL_AGAIN * MCC_ONE;
		return;
	}
	if (lossy) {
		if (flow->delivery_rate < policer->ceiling)
			policer->ceiling -= (policer->ceiling - flow->delivery_rate) / 2;
		policer->rounds = MCC_CEILING_ROUNDS * MCC_ONE;
		policer->shift = 4;
		return;
	}
	if (policer->rounds)
		return;
	policer->ceiling += policer->ceiling >> policer->shift;
	policer->shift -= policer->shift > 1;
	policer->rounds = MCC_CEILING_AGAIN * MCC_ONE;
	if (policer->ceiling > flow->delivery_rate * 4)
		policer->ceiling = 0;
}

/* Takes in an interval of steering. */
MCC_APART int mcc_watch_losses(struct mcc_flow *flow, const struct mcc_config *config, __s32 latency)
{
	struct mcc_policer *policer;
	__u32 step;
	int lossy;

	if (!flow || !config)
		return 0;
	policer = &flow->policer;
	step = flow->step_q16;
	policer->rounds -= policer->rounds > step ? step : policer->rounds;
	lossy = (__u64)flow->lost * 64 > (__u64)flow->acked + flow->lost;
	if (policer->is_trial) {
		/* What was under way before still tells of the rate before. */
		if (policer->rounds <= (MCC_TRIAL_ROUNDS - 2) * MCC_ONE) {
			policer->acked += flow->acked;
			policer->lost += flow->lost;
		}
		if (!policer->rounds || flow->rival)
			mcc_end_trial(flow);
	} else if (policer->ceiling) {
		mcc_move_ceiling(flow, lossy);
	} else if (!policer->rounds && !flow->rival && flow->past.loss_share > MCC_TRIAL_LOSS &&
		   latency <= MCC_ONE + MCC_LONG_QUEUE) {
		mcc_start_trial(flow);
	}
	return 1;
}

#endif /* MEDULLA_CONGESTION_POLICER_H */
