/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of eight numbers, which a compiler cuts up where the processor's are shorter. */
#ifndef MEDULLA_LEARNING_VECTORS_H
#define MEDULLA_LEARNING_VECTORS_H

#include "learning_kernels.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Compiled for processors with AVX2 and FMA too. A macro, because it stands for an attribute. */
#if defined(__x86_64__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

typedef float numbers8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t integers8 __attribute__((vector_size(32), aligned(4), may_alias));

/*
 * Vectors are handed to functions by address: by value the calling convention would depend on the processor.
 * All of this is inlined.
 */
ALWAYS_INLINE const numbers8 *at(const float *numbers)
{
	return (const numbers8 *)numbers;
}

ALWAYS_INLINE numbers8 *place(float *numbers)
{
	return (numbers8 *)numbers;
}

ALWAYS_INLINE float total(const numbers8 *value)
{
	return (((*value)[0] + (*value)[4]) + ((*value)[2] + (*value)[6])) +
	       (((*value)[1] + (*value)[5]) + ((*value)[3] + (*value)[7]));
}

/* 0 in the lanes from `width` on. */
ALWAYS_INLINE void keep_lanes(numbers8 *value, int32_t width)
{
	const integers8 lane = {0, 1, 2, 3, 4, 5, 6, 7};

	*value = (numbers8)((integers8)*value & (lane < width));
}

#endif /* MEDULLA_LEARNING_VECTORS_H */
