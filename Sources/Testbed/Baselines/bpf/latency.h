/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What the latency comparison sends to user space and gets back; `shape.h` comes before it. */
#ifndef MEDULLA_LATENCY_H
#define MEDULLA_LATENCY_H

#include <linux/types.h>

#define LATENCY_RING_BYTES (1 << 16)

struct latency_question {
	__u64 number;
	__u64 time_ns; /* CLOCK_MONOTONIC, of when it was asked */
	__s64 features[MEDULLA_INPUTS];
};

struct latency_answer {
	__u64 number;
	__s64 outputs[MEDULLA_OUTPUTS];
};

#endif /* MEDULLA_LATENCY_H */
