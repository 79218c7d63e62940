// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

#include <math.h>
#include <string.h>

FOR_EACH_PROCESSOR
void learning_numbers_of_bytes(const uint8_t *bytes, int32_t count, float scale, float offset, float *numbers)
{
	for (int32_t i = 0; i < count; i++)
		numbers[i] = (float)bytes[i] * scale + offset;
}

FOR_EACH_PROCESSOR
void learning_numbers_of_floats(const void *floats, int32_t count, float scale, float offset, float *numbers)
{
	memcpy(numbers, floats, count * sizeof(float));
	for (int32_t i = 0; i < count; i++)
		numbers[i] = numbers[i] * scale + offset;
}

ALWAYS_INLINE float slope_at(const struct learning_slopes *slopes, int32_t i)
{
	float sum = slopes->first[i];

	for (int32_t part = 1; part < slopes->parts; part++)
		sum += slopes->first[(long)part * slopes->stride + i];
	return sum;
}

ALWAYS_INLINE void descend(const struct learning_slopes *slopes, float rate, float momentum,
			   float *restrict velocity, float *restrict parameters)
{
	for (int32_t i = 0; i < slopes->count; i++) {
		velocity[i] = momentum * velocity[i] + slope_at(slopes, i);
		parameters[i] -= rate * velocity[i];
	}
}

FOR_EACH_PROCESSOR
void learning_sum(struct learning_slopes slopes, float *sum)
{
	for (int32_t i = 0; i < slopes.count; i++)
		sum[i] = slope_at(&slopes, i);
}

FOR_EACH_PROCESSOR
void learning_descend(struct learning_slopes slopes, float rate, float momentum, float *velocity,
		      float *parameters)
{
	// The usual number of parts as a constant, for which the loop over them disappears.
	if (slopes.parts == 2) {
		struct learning_slopes pair = {slopes.first, 2, slopes.stride, slopes.count};

		descend(&pair, rate, momentum, velocity, parameters);
		return;
	}
	descend(&slopes, rate, momentum, velocity, parameters);
}

FOR_EACH_PROCESSOR
void learning_adapt(struct learning_slopes slopes, struct learning_adam rule, float *first, float *second,
		    float *parameters)
{
	for (int32_t i = 0; i < slopes.count; i++) {
		float slope = slope_at(&slopes, i);

		first[i] = rule.beta1 * first[i] + (1 - rule.beta1) * slope;
		second[i] = rule.beta2 * second[i] + (1 - rule.beta2) * slope * slope;
		parameters[i] -= rule.rate * (first[i] / rule.correction1) /
				 (sqrtf(second[i] / rule.correction2) + rule.epsilon);
	}
}
