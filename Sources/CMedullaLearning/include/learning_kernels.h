/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner loops of training a network of convolutions and dense layers.
 *
 * They are C because Swift compiles for the oldest processor of its target, where a vector holds four numbers
 * and there is no fused multiplication and addition: a C function can be compiled for several processors and
 * the one that fits is chosen when the program starts. On one kind of processor the same inputs give the same
 * bits.
 *
 * Planes are [channel][row][column]; "interleaved" is [row][column][channel]. Vectors of LEARNING_LANES
 * numbers are read and written beyond the end of rows, so every buffer that a kernel gets has LEARNING_SLACK
 * numbers more than it needs, finite ones. Alignment is a matter of speed only.
 */
#ifndef MEDULLA_LEARNING_KERNELS_H
#define MEDULLA_LEARNING_KERNELS_H

#include <stdint.h>

#define LEARNING_LANES 8
#define LEARNING_SLACK 32

/* A convolution without padding, with a square kernel that moves by one. */
struct learning_convolution {
	int32_t channels, height, width;
	int32_t outputs, kernel;
	/* Of an output plane, and numbers from one of its rows to the next: whole vectors. */
	int32_t out_height, out_width, out_stride;
	/* Numbers of a kernel's row: [column][channel], filled up with zeros to whole vectors. */
	int32_t run;
	/* 2: the largest of each 2 by 2 window is kept; 1: there is no pooling. */
	int32_t window;
	/* Whether what is negative becomes 0 then. */
	int32_t rectifies;
};

/* A place where a convolution's output has a slope: its window's first input, interleaved, and the slope. */
struct learning_entry {
	int32_t offset;
	float slope;
};

/* One sample. `weights` is [output][row][run]; plane number j is of the output `chosen[j]`. */
void learning_convolve(const struct learning_convolution *shape, const float *planes, const float *weights,
		       const float *bias, const int32_t *chosen, int32_t count, float *outputs);

/*
 * Pools, rectifies and scales the planes of the chosen outputs (ascending); those of the others become 0.
 * `offsets` tells of each result which window of the input it came from, as `learning_entry`; negative: from
 * none, it was rectified. Of equal numbers the first is kept.
 */
void learning_pool(const struct learning_convolution *shape, const float *outputs, const int32_t *chosen,
		   int32_t count, float scale, float *pooled, int32_t *offsets);

/* Planes of one sample as interleaved numbers. */
void learning_interleave(const float *planes, int32_t channels, int32_t places, float *interleaved);

/*
 * The entries of one output: of its results that came from somewhere. `slopes` has one number every `stride`.
 * Returns how many there are, at most the number of results.
 */
int32_t learning_entries(const struct learning_convolution *shape, const int32_t *offsets,
			 const float *slopes, int32_t stride, float scale, struct learning_entry *entries);

/* Adds to the slopes of one output's weights and bias. */
void learning_add_weight_slopes(const struct learning_convolution *shape, const float *interleaved,
				const struct learning_entry *entries, int32_t count, float *weights,
				float *bias);

/* Adds to the slopes of a sample's inputs, interleaved, what one output with these weights contributes. */
void learning_add_input_slopes(const struct learning_convolution *shape, const struct learning_entry *entries,
			       int32_t count, const float *weights, float *interleaved);

/* Rows of numbers, with the numbers from one row to the next. */
struct learning_rows {
	int32_t count, width, stride;
};

/* outputs[n][o] = bias[o] + sum of inputs[n][i] weights[o][i]; rows of weights are filled up with 0. */
void learning_dense(const float *inputs, struct learning_rows samples, const float *weights,
		    struct learning_rows shape, const float *bias, float *outputs, int32_t output_stride);

/* sums[r][i] (+)= sum over k of factors[r * row_step + k * term_step] terms[k][i], i < the terms' width. */
void learning_combine(const float *factors, int32_t rows, int32_t row_step, int32_t term_step,
		      const float *terms, struct learning_rows shape, int32_t adds, float *sums,
		      int32_t sum_stride);

void learning_numbers_of_bytes(const uint8_t *bytes, int32_t count, float scale, float offset,
			       float *numbers);
/* `floats` need not be aligned. */
void learning_numbers_of_floats(const void *floats, int32_t count, float scale, float offset, float *numbers);

/* Slopes of one step: a sum of `parts` vectors `stride` numbers apart, always added in their order. */
struct learning_slopes {
	const float *first;
	int32_t parts, stride, count;
};

void learning_sum(struct learning_slopes slopes, float *sum);

/* velocity = momentum * velocity + slope; parameter -= rate * velocity. */
void learning_descend(struct learning_slopes slopes, float rate, float momentum, float *velocity,
		      float *parameters);

struct learning_adam {
	float rate, beta1, beta2, epsilon;
	/* 1 - beta^steps. */
	float correction1, correction2;
};

void learning_adapt(struct learning_slopes slopes, struct learning_adam rule, float *first, float *second,
		    float *parameters);

#endif /* MEDULLA_LEARNING_KERNELS_H */
