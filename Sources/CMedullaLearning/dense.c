// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

enum { SAMPLES = 2, OUTPUTS = 4, ROWS = 4, VECTORS = 2 };

ALWAYS_INLINE void dense_block(const float *inputs, int input_stride, const float *weights, int weight_stride,
			       int width, const int samples, const int outputs, const float *bias,
			       float *results, int result_stride)
{
	numbers8 sums[SAMPLES][OUTPUTS] = {0};

	for (int i = 0; i < width; i += LEARNING_LANES) {
		for (int o = 0; o < outputs; o++) {
			numbers8 weight = *at(weights + (long)o * weight_stride + i);

			for (int n = 0; n < samples; n++)
				sums[n][o] += *at(inputs + (long)n * input_stride + i) * weight;
		}
	}
	for (int n = 0; n < samples; n++)
		for (int o = 0; o < outputs; o++)
			results[(long)n * result_stride + o] = bias[o] + total(&sums[n][o]);
}

ALWAYS_INLINE void dense_samples(const float *inputs, int input_stride, const int samples,
				 const float *weights, struct learning_rows shape, const float *bias,
				 float *outputs, int output_stride)
{
	int o = 0;

	for (; o + OUTPUTS <= shape.count; o += OUTPUTS)
		dense_block(inputs, input_stride, weights + (long)o * shape.stride, shape.stride, shape.width,
			    samples, OUTPUTS, bias + o, outputs + o, output_stride);
	for (; o < shape.count; o++)
		dense_block(inputs, input_stride, weights + (long)o * shape.stride, shape.stride, shape.width,
			    samples, 1, bias + o, outputs + o, output_stride);
}

FOR_EACH_PROCESSOR
void learning_dense(const float *inputs, struct learning_rows samples, const float *weights,
		    struct learning_rows shape, const float *bias, float *outputs, int32_t output_stride)
{
	int n = 0;

	for (; n + SAMPLES <= samples.count; n += SAMPLES)
		dense_samples(inputs + (long)n * samples.stride, samples.stride, SAMPLES, weights, shape,
			      bias, outputs + (long)n * output_stride, output_stride);
	for (; n < samples.count; n++)
		dense_samples(inputs + (long)n * samples.stride, samples.stride, 1, weights, shape, bias,
			      outputs + (long)n * output_stride, output_stride);
}

struct combination {
	const float *factors;
	int row_step, term_step;
	const float *terms;
	struct learning_rows shape;
	int adds;
	float *sums;
	int sum_stride;
};

ALWAYS_INLINE void combine_block(const struct combination *all, int row, int from, const int rows,
				 const int vectors)
{
	const float *factors = all->factors + (long)row * all->row_step;
	float *results = all->sums + (long)row * all->sum_stride + from;
	numbers8 sums[ROWS][VECTORS] = {0};

	for (int k = 0; k < all->shape.count; k++) {
		const float *terms = all->terms + (long)k * all->shape.stride + from;

		for (int r = 0; r < rows; r++) {
			float factor = factors[(long)r * all->row_step + (long)k * all->term_step];

			for (int v = 0; v < vectors; v++)
				sums[r][v] += *at(terms + v * LEARNING_LANES) * factor;
		}
	}
	for (int r = 0; r < rows; r++) {
		for (int v = 0; v < vectors; v++) {
			numbers8 *to = place(results + (long)r * all->sum_stride + v * LEARNING_LANES);

			// What fills a row up stays 0.
			keep_lanes(&sums[r][v], all->shape.width - from - v * LEARNING_LANES);
			*to = all->adds ? *to + sums[r][v] : sums[r][v];
		}
	}
}

ALWAYS_INLINE void combine_rows(const struct combination *all, int row, const int rows)
{
	int from = 0;

	for (; from + LEARNING_LANES < all->shape.width; from += VECTORS * LEARNING_LANES)
		combine_block(all, row, from, rows, VECTORS);
	for (; from < all->shape.width; from += LEARNING_LANES)
		combine_block(all, row, from, rows, 1);
}

FOR_EACH_PROCESSOR
void learning_combine(const float *factors, int32_t rows, int32_t row_step, int32_t term_step,
		      const float *terms, struct learning_rows shape, int32_t adds, float *sums,
		      int32_t sum_stride)
{
	const struct combination all = {factors, row_step, term_step, terms, shape, adds, sums, sum_stride};
	int row = 0;

	for (; row + ROWS <= rows; row += ROWS)
		combine_rows(&all, row, ROWS);
	for (; row < rows; row++)
		combine_rows(&all, row, 1);
}
