/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * The shape's inference compiled for this machine, for comparison with the kernel: features in, outputs
 * out, the same copies as the query program makes.
 */
#include <time.h>

#include "shape.h"

static struct medulla_scratch scratch;

static inline void bench_query(const struct medulla_image *image, const __s64 *features, __s64 *outputs)
{
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		scratch.words[MEDULLA_FEATURES_OFFSET + i] = features[i];
	medulla_infer(image, &scratch);
	for (int i = 0; i < MEDULLA_OUTPUTS; i++)
		outputs[i] = scratch.words[MEDULLA_OUTPUTS_OFFSET + i];
}

void bench_infer(const struct medulla_image *image, const __s64 *features, __s64 *outputs)
{
	bench_query(image, features, outputs);
}

/* Nanoseconds of `repeats` inferences. The empty asm tells the compiler that memory changes between
 * two, so that it neither hoists nor drops one. */
long long bench_time(const struct medulla_image *image, const __s64 *features, __s64 *outputs, long repeats)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (long i = 0; i < repeats; i++) {
		bench_query(image, features, outputs);
		__asm__ volatile("" ::: "memory");
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - begin.tv_sec) * 1000000000LL + (end.tv_nsec - begin.tv_nsec);
}
