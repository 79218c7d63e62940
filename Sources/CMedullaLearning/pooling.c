// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

#include <string.h>

// Keeps the larger number and where it came from; the earlier where they are equal.
ALWAYS_INLINE void keep_larger(numbers8 *best, integers8 *from, const numbers8 *other, integers8 *other_from)
{
	integers8 larger = *other > *best;

	*best = (numbers8)(((integers8)*other & larger) | ((integers8)*best & ~larger));
	*from = (*other_from & larger) | (*from & ~larger);
}

// Even and odd numbers of two neighbouring vectors.
ALWAYS_INLINE void part(const float *row, numbers8 *even, numbers8 *odd)
{
	numbers8 low = *at(row), high = *at(row + LEARNING_LANES);

	*even = __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
	*odd = __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
}

struct result {
	numbers8 value;
	integers8 from;
};

ALWAYS_INLINE void finish(const struct learning_convolution *shape, struct result *result, float scale,
			  float *pooled, int32_t *offsets)
{
	if (shape->rectifies) {
		integers8 positive = result->value > 0;

		result->value = (numbers8)((integers8)result->value & positive);
		result->from |= ~positive;
	}
	*place(pooled) = result->value * scale;
	*(integers8 *)offsets = result->from;
}

ALWAYS_INLINE void pool_row(const struct learning_convolution *shape, const float *row, int y, float scale,
			    float *pooled, int32_t *offsets)
{
	const integers8 lane = {0, 1, 2, 3, 4, 5, 6, 7};
	int right = shape->channels, down = shape->width * shape->channels;

	for (int x = 0; x < shape->out_width / 2; x += LEARNING_LANES) {
		struct result result;
		numbers8 odd, lower_even, lower_odd;
		integers8 from = (lane + x) * (2 * right) + 2 * y * down;
		integers8 from_odd = from + right, from_lower = from + down, from_last = from + down + right;

		part(row + 2 * x, &result.value, &odd);
		part(row + shape->out_stride + 2 * x, &lower_even, &lower_odd);
		result.from = from;
		keep_larger(&result.value, &result.from, &odd, &from_odd);
		keep_larger(&result.value, &result.from, &lower_even, &from_lower);
		keep_larger(&result.value, &result.from, &lower_odd, &from_last);
		finish(shape, &result, scale, pooled + x, offsets + x);
	}
}

ALWAYS_INLINE void copy_row(const struct learning_convolution *shape, const float *row, int y, float scale,
			    float *pooled, int32_t *offsets)
{
	const integers8 lane = {0, 1, 2, 3, 4, 5, 6, 7};

	for (int x = 0; x < shape->out_width; x += LEARNING_LANES) {
		struct result result = {.value = *at(row + x)};

		result.from = ((lane + x) + y * shape->width) * shape->channels;
		finish(shape, &result, scale, pooled + x, offsets + x);
	}
}

// Rows are written in ascending order, so that what a vector leaves behind the end of one is overwritten by
// the next.
FOR_EACH_PROCESSOR
void learning_pool(const struct learning_convolution *shape, const float *outputs, const int32_t *chosen,
		   int32_t count, float scale, float *pooled, int32_t *offsets)
{
	int height = shape->out_height / shape->window, width = shape->out_width / shape->window;
	long plane = (long)height * width;
	int next = 0;

	for (int o = 0; o < shape->outputs; o++) {
		const float *rows = outputs + (long)next * shape->out_height * shape->out_stride;

		if (next == count || chosen[next] != o) {
			memset(pooled + o * plane, 0, plane * sizeof(float));
			continue;
		}
		next++;
		for (int y = 0; y < height; y++) {
			const float *row = rows + (long)y * shape->window * shape->out_stride;
			float *to = pooled + o * plane + (long)y * width;
			int32_t *from = offsets + o * plane + (long)y * width;

			if (shape->window == 2)
				pool_row(shape, row, y, scale, to, from);
			else
				copy_row(shape, row, y, scale, to, from);
		}
	}
}

void learning_interleave(const float *planes, int32_t channels, int32_t places, float *interleaved)
{
	for (int32_t p = 0; p < places; p++)
		for (int32_t c = 0; c < channels; c++)
			*interleaved++ = planes[(long)c * places + p];
}

// Column by column: neighbours in a row would soon add to the same numbers, and wait for each other.
int32_t learning_entries(const struct learning_convolution *shape, const int32_t *offsets,
			 const float *slopes, int32_t stride, float scale, struct learning_entry *entries)
{
	int height = shape->out_height / shape->window, width = shape->out_width / shape->window;
	int32_t count = 0;

	for (int x = 0; x < width; x++) {
		for (int y = 0; y < height; y++) {
			long at = (long)y * width + x;

			// Without a branch, which would be guessed wrong half of the time.
			entries[count].offset = offsets[at];
			entries[count].slope = slopes[at * stride] * scale;
			count += offsets[at] >= 0;
		}
	}
	return count;
}
