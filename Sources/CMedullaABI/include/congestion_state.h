/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What the congestion controller keeps for a flow, is told with each acknowledgement, and is set to. */
#ifndef MEDULLA_CONGESTION_STATE_H
#define MEDULLA_CONGESTION_STATE_H

#include <linux/types.h>

#define MCC_HISTORY 10
#define MCC_FEATURES_PER_INTERVAL 3
#define MCC_RECENT (MCC_HISTORY * MCC_FEATURES_PER_INTERVAL) /* Aurora's features */
#define MCC_PAST 20 /* features of more than the last ten intervals; see congestion_past.h */
#define MCC_FEATURES (MCC_RECENT + MCC_PAST)

#define MCC_ONE (1 << 16)		/* 1.0 in q16 */
#define MCC_INFLATION_MIN (-1 * MCC_ONE) /* clip of the latency inflation */
#define MCC_INFLATION_MAX (10 * MCC_ONE)
#define MCC_LATENCY_RATIO_MAX (10000LL * MCC_ONE)
#define MCC_SEND_RATIO_MAX (1000LL * MCC_ONE)
#define MCC_ACTION_STEP 40		/* 1 / 0.025: Aurora's step of the rate for one unit of action */

#define MCC_ACTION_MAX (100 * MCC_ONE)	/* no limit of the action is above it */

#define MCC_START_GAIN_Q8 739		/* 2 / ln 2: doubles the delivery rate in a round trip */
#define MCC_START_WINDOW_GAIN_Q8 178	/* of that rate: two bandwidth-delay products */
#define MCC_START_INTERVALS 4		/* intervals of the start in a round trip: it must end in time */
#define MCC_START_FULL_INTERVALS 12	/* intervals without 25% of growth that end the start */
#define MCC_DRAIN_ROUNDS 4		/* most intervals that the queue of the start may take to drain */
#define MCC_PROBE_ROUNDS 64		/* round trips of steering between looks at the empty path */
#define MCC_PROBE_FIRST 8		/* round trips to the first */
#define MCC_RESTART_IDLE_US 1000000	/* idleness after which the rate is probed anew */
#define MCC_WINDOW_MIN 2
#define MCC_WINDOW_MAX (1 << 24)
#define MCC_OWN_PACKETS 4		/* two of the smallest bursts of segmentation offload */
#define MCC_OWN_SHIFT 10		/* larger ones: this fraction of a second of data */
#define MCC_OWN_BYTES 65536		/* the largest */
#define MCC_HOST_SHARE 8		/* this fraction of the floor is delay by the host, not a queue */
#define MCC_HEADROOM 2			/* most that the rate may exceed what the path delivers */
#define MCC_RATE_FLOOR 125		/* 1 kb/s */
#define MCC_RATE_CEILING 12500000000ULL	/* 100 Gb/s */
#define MCC_INTERVAL_LIMIT_US 60000000	/* 1 min: the longest planned interval */

#define MCC_BATCH_INTERVALS 8		/* intervals that must all show batches of acknowledgements */
#define MCC_BUCKET 32			/* intervals of a bucket of extremes; two are kept */
#define MCC_SMALL_QUEUE (MCC_ONE / 8)	/* in empty round trips: a queue of this size is our own */
#define MCC_STARVED_SHARE 8		/* a flow that gets less than this part of what it got */
#define MCC_STARVED_ROUNDS 48		/* while the queue has stayed for so many round trips is starved */
#define MCC_CUT_QUEUE (MCC_ONE * 5 / 8) /* CUBIC's cut may empty a shorter one: 0.7 (1 + 3/7) = 1 */
#define MCC_LONG_QUEUE (MCC_ONE / 4)	/* above it a queue that stays is somebody's */
#define MCC_SHADOW_SINK 7		/* the shadow sinks by 1/128 of what it is above the window */
#define MCC_SHADOW_SHIFT 8		/* fraction bits of the shadow's windows, in packets */
#define MCC_LOOK_AGAIN 2		/* round trips to another look after a shorter path was found */
#define MCC_LOOK_LEAST 8		/* round trips between looks that a falling queue asks for */
#define MCC_LOOK_ROUNDS 16		/* round trips to the first look at a rival; twice as many */
#define MCC_TOGETHER_SHIFT 23		/* 2^23 us, 8.4 s: beside rivals the flows of a host look together */
#define MCC_SECOND_SHIFT 20		/* 2^20 us: to the second look together at a short queue */
#define MCC_LOOK_MOST 512		/* after each that finds the queue as it was, up to so many */
#define MCC_TOGETHER_MOST 8		/* most epochs between looks together, for the same reason */
#define MCC_DOUBT_ROUNDS 512		/* round trips for which a belief is doubted that a look has ended */
#define MCC_TRIAL_LOSS (MCC_ONE / 50)	/* a share of losses without a queue that is tried */
#define MCC_TRIAL_ROUNDS 8		/* round trips of a trial; the first two do not count */
#define MCC_TRIAL_LOST 12		/* packets that it would lose at the former share, at least */
#define MCC_TRIAL_AGAIN 512		/* round trips to another trial when it was not the rate */
#define MCC_CEILING_ROUNDS 64		/* round trips from a loss to a higher ceiling */
#define MCC_CEILING_AGAIN 16		/* to another one, when the last cost nothing */
#define MCC_VERDICT_MAX (4 * MCC_ONE)	/* a single verdict counts for no more than this */
#define MCC_NO_VERDICT (-0x7fffffffLL)	/* of a network that gives an action alone */

enum mcc_phase {
	MCC_START = 0, /* doubles each round trip until the first losses or delay */
	MCC_DRAIN = 1, /* empties the queue that the start has built */
	MCC_STEER = 2, /* the network decides */
	MCC_GUARD = 3, /* a conservative window rule, until the path has recovered */
};

/* What a mark means. */
enum mcc_ecn {
	MCC_ECN_CLASSIC = 0,  /* congestion, as a loss does (RFC 3168), less sharply (RFC 8511) */
	MCC_ECN_ACCURATE = 1, /* as much congestion as the share of packets that are marked (RFC 8257) */
};

/* What an operator sets; the same for all flows of an instance. */
struct mcc_config {
	__u64 rate_min;		    /* bytes/s */
	__u64 rate_max;		    /* bytes/s */
	__u32 interval_fraction_q8; /* monitor interval of steering in smoothed round trips; 0: every ACK */
	__u32 interval_min_us;
	__u32 interval_min_packets; /* delivered packets that an interval needs at least */
	__u32 rtt_floor_us;	    /* round trips below it are judged as if they were this long */
	__u32 action_limit_q16;	    /* |action| is clamped to it */
	__u32 fairness_q16;	    /* growth an interval: fairness / sqrt(window + fairness_window) */
	__u32 fairness_window;
	__u32 window_gain_q8;	    /* window in bandwidth-delay products */
	__u32 guard_loss_q16;	    /* share of packets lost in an interval that counts against the network */
	__u32 guard_latency_q16;    /* latency ratio that counts against it */
	__u32 guard_intervals;	    /* that many such intervals in a row trip the guard */
	__u32 guard_recovery;	    /* that many clean ones in a row release it */
	__u32 ecn;		    /* enum mcc_ecn */
	__s32 rival_enter_q16;	    /* mean verdict (log odds) above which a rival is believed in */
	__s32 rival_leave_q16;	    /* and below which it is no more */
	__u32 reserved;
};

/* What one acknowledgement says. */
struct mcc_ack {
	__u64 now_us;
	__u32 rtt_us;	     /* 0: no sample */
	__u32 srtt_us;	     /* 0 before the first sample */
	__u32 delivered;     /* packets of the rate sample; 0: no valid sample */
	__u32 send_us;	     /* the time over which those packets were sent */
	__u32 receive_us;    /* the time over which they were delivered */
	__u32 acked;	     /* packets newly delivered */
	__u32 lost;	     /* packets newly taken for lost */
	__u32 marked;	     /* packets newly reported with congestion experienced */
	__u32 in_flight;     /* packets */
	__u32 packet_bytes;  /* payload of a full packet */
	__u32 app_limited;   /* 1: the sender had nothing to send */
};

/* What a monitor interval that has ended was like. */
struct mcc_interval {
	__u64 rate;	     /* bytes/s; that was sent with */
	__u64 delivery_rate; /* bytes/s */
	__u64 elapsed_us;
	__u32 acked;	     /* packets, as all counts */
	__u32 lost;
	__u32 marked;
	__u32 app_limited;
	__u32 rtt_us;	     /* the mean; 0: no sample */
	__u32 min_rtt_us;    /* of the empty path, as far as the flow knows it */
};

/*
 * CUBIC's window as it would be (RFC 9438), from the last time that the queue was small: what a flow may
 * claim beside others who do not give way. Windows are packets with MCC_SHADOW_SHIFT fraction bits.
 */
struct mcc_shadow {
	__u64 start_us; /* when its growth began */
	__u64 cut_us;	/* when it was last cut */
	__u64 window;
	__u64 most;	/* where its growth is flat */
	__u64 reno;	/* the window of Reno's growth */
	__u32 flat_ms;	/* from the start to there */
	__u32 reserved;
};

/* What is known of more than ten intervals. Shares and queues are q16, queues in empty round trips. */
struct mcc_past {
	__u32 least_us[2];    /* the least round trip: of this bucket, of the one before */
	__u32 most_us[2];     /* the largest mean of an interval, the same way */
	__u32 bucket;	      /* intervals in this bucket */
	__u32 window_peak;    /* packets; falls by 1/64 an interval */
	__u64 delivery_peak;  /* bytes/s; falls by 1/64 an interval */
	__u32 window_log;     /* log2 of the window, q8, of the interval before */
	__s32 window_change;  /* log2, q16, over the interval before */
	__u32 delivery_log;   /* log2 of the delivery rate, q8, of the interval before */
	__s32 queue;	      /* of the interval before */
	__s32 window_queue;   /* means of products of changes, with 20 fraction bits */
	__s32 window_delivery;
	__u32 window_square;
	__u32 queue_square;
	__u32 loss_share;
	__u32 mark_share;
	__u32 loss_place;     /* where between the least and the largest queue packets were lost */
	__u32 standing;	      /* round trips since the queue was small */
	__u32 age;	      /* round trips since the least round trip of all was seen */
	__u64 given_delivery; /* bytes/s, when the window was `given_from` */
	__u32 given_from;     /* packets; the largest window since the queue was small */
	__u32 look_before;    /* the queue before and in the last look */
	__u32 look_after;
	__u32 look_age;	      /* round trips since then */
	__u32 stay_us;	      /* a mean round trip that those since were like, for so many round trips */
	__u32 stay_rounds;    /* 0: it begins anew */
	__u32 stay_window;    /* packets, when it began */
	__u32 look_empty;     /* 1: the last look has found a short queue gone */
	__u32 doubt_rounds;   /* round trips for which a belief is doubted that a look has ended */
	__u64 stay_delivery;  /* bytes/s, the least mean since the round trip has stayed and losses ended */
	__u64 doubt_delivery; /* bytes/s that the flow got then */
	__u64 delivery_mean;  /* bytes/s, over some eight intervals */
};

/* What losses without a queue are told apart by; see congestion_policer.h. */
struct mcc_policer {
	__u64 ceiling;	/* bytes/s that the rate is held to; 0: none */
	__u64 rate;	/* bytes/s that were delivered before the trial */
	__u32 rounds;	/* q16 round trips of the trial, or to the next one, or to a higher ceiling */
	__u32 loss;	/* share of packets lost before the trial, q16 */
	__u32 acked;	/* packets in the trial */
	__u32 lost;
	__u32 shift;	/* the ceiling is raised by its part of two to this power */
	__u32 is_trial;
};

struct mcc_flow {
	__u64 rate;		/* bytes/s; what the network steers */
	__u64 interval_start_us;
	__u64 bandwidth_max;	/* bytes/s; the largest delivery rate seen in the start */
	__u64 bandwidth_full;	/* bytes/s; what the growth of the start is judged against */
	__u64 delivery_rate;	/* bytes/s in the last interval that counted */
	__u64 rtt_sum_us[2];	/* by half of the interval */
	__u64 send_sum_us;
	__u64 receive_sum_us;
	__u32 rtt_count[2];
	__u32 interval_us;	/* planned length */
	__u32 acked;
	__u32 lost;
	__u32 marked;
	__u32 app_limited;	/* packets acked of those sent while the application had nothing more */
	__u32 packet_bytes;
	__u32 window;		/* packets */
	__u32 phase;
	__u32 full_rounds;
	__u32 drain_rounds;
	__u32 bad_intervals;
	__u32 good_intervals;
	__u32 guard_events;
	__u32 decisions;
	__u32 step_q16; /* length of the last interval in round trips, at most 1: actions are for one */
	__u32 probe_countdown; /* q16 round trips of steering to the next look at the empty path */
	__u32 probing;	       /* q16 round trips that the look still takes, at most 2 */
	__u32 intervals;       /* that have ended, with any phase */
	__u32 base_us;	       /* the round trip of the empty path, as far as this flow knows; 0: unknown */
	__u32 srtt_us;	       /* TCP's, when the interval began */
	__u32 look_rounds;     /* round trips between looks at the rival */
	__u32 look_base_us;    /* `base_us` when the last look began */
	__u32 least_us;	       /* the least round trip of the interval; ~0: none */
	__u32 rival;	       /* 1: others fill the queue: the shadow's window is the least */
	__s32 verdict;	       /* mean of the network's verdicts, q16; above 0 there is a rival */
	__u32 rival_events;
	__u32 guard_queue_us;  /* the queue four intervals of the guard ago */
	__u32 guard_rounds;
	__u32 look_every;      /* epochs between looks together; a power of two */
	__u32 look_joint;      /* 1: the look is one together */
	__u32 look_epoch;      /* of the clock, when the flow last thought of looking with others */
	__u32 look_second;     /* in units of 2^20 us: when to look together once more; 0: not */
	__u32 most_us;	       /* the largest round trip of the interval */
	__u32 gap_us;	       /* the longest time between two of its acknowledgements */
	__u32 batch_us;	       /* how long acknowledgements wait for others */
	__u32 batch_least_us;  /* the least of the last intervals; ~0: none */
	__u32 batch_intervals; /* how many these are */
	__u64 ack_us;	       /* when the last one came */
	__u64 mark_cut_us;     /* when marks were last answered */
	__u64 pace;	       /* bytes/s; what pacing uses */
	struct mcc_shadow shadow;
	struct mcc_past past;
	struct mcc_policer policer;
	struct mcc_interval last;
	/* q16: of the last intervals, oldest first; then those of the past */
	__s32 features[MCC_FEATURES];
};

static inline void mcc_default_config(struct mcc_config *config)
{
	config->rate_min = 250; /* 2 kb/s */
	config->rate_max = MCC_RATE_CEILING;
	config->interval_fraction_q8 = 256;
	config->interval_min_us = 1000;
	config->interval_min_packets = 4;
	config->rtt_floor_us = 1000;
	config->action_limit_q16 = 10 * MCC_ONE;
	config->fairness_q16 = MCC_ONE / 2;
	config->fairness_window = 60;
	config->window_gain_q8 = 256;
	config->guard_loss_q16 = MCC_ONE / 5;
	config->guard_latency_q16 = 8 * MCC_ONE;
	config->guard_intervals = 4;
	config->guard_recovery = 8;
	config->ecn = MCC_ECN_CLASSIC;
	config->rival_enter_q16 = -MCC_ONE;
	config->rival_leave_q16 = -MCC_ONE * 3 / 2;
	config->reserved = 0;
}

#endif /* MEDULLA_CONGESTION_STATE_H */
