// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

// Two rows of five planes are ten sums: with two vectors of inputs and a weight they fit sixteen registers,
// and ten chains of additions hide the latency of each.
enum { ROWS = 2, PLANES = 5 };

struct block {
	const struct learning_convolution *shape;
	// The first window's first number in each of the rows.
	const float *rows[ROWS];
	const float *weights[PLANES];
	float bias[PLANES];
	float *outputs[PLANES][ROWS];
};

// `kernel` is a constant where the caller gives one; then the loop over a kernel's row is unrolled.
ALWAYS_INLINE void convolve_block(const struct block *block, const int planes, const int kernel)
{
	const struct learning_convolution *shape = block->shape;
	numbers8 sums[PLANES][ROWS];

	for (int j = 0; j < planes; j++)
		for (int r = 0; r < ROWS; r++)
			sums[j][r] = (numbers8){0} + block->bias[j];
	for (int c = 0; c < shape->channels; c++) {
		for (int ky = 0; ky < kernel; ky++) {
			long skipped = ((long)c * shape->height + ky) * shape->width;
			long weight = (long)ky * shape->run + c;

			for (int kx = 0; kx < kernel; kx++) {
				numbers8 first = *at(block->rows[0] + skipped + kx);
				numbers8 second = *at(block->rows[1] + skipped + kx);

				for (int j = 0; j < planes; j++) {
					float factor = block->weights[j][weight];

					sums[j][0] += first * factor;
					sums[j][1] += second * factor;
				}
				weight += shape->channels;
			}
		}
	}
	for (int j = 0; j < planes; j++)
		for (int r = 0; r < ROWS; r++)
			*place(block->outputs[j][r]) = sums[j][r];
}

ALWAYS_INLINE void convolve_planes(const struct block *block, const int planes)
{
	switch (block->shape->kernel) {
	case 3:
		convolve_block(block, planes, 3);
		break;
	case 5:
		convolve_block(block, planes, 5);
		break;
	default:
		convolve_block(block, planes, block->shape->kernel);
	}
}

ALWAYS_INLINE void convolve_rows(struct block *block, int planes)
{
	switch (planes) {
	case 1:
		convolve_planes(block, 1);
		break;
	case 2:
		convolve_planes(block, 2);
		break;
	case 3:
		convolve_planes(block, 3);
		break;
	case 4:
		convolve_planes(block, 4);
		break;
	default:
		convolve_planes(block, PLANES);
	}
}

FOR_EACH_PROCESSOR
void learning_convolve(const struct learning_convolution *shape, const float *planes, const float *weights,
		       const float *bias, const int32_t *chosen, int32_t count, float *outputs)
{
	long plane = (long)shape->out_height * shape->out_stride;

	for (int done = 0; done < count; done += PLANES) {
		int together = count - done < PLANES ? count - done : PLANES;
		struct block block = {.shape = shape};

		for (int j = 0; j < together; j++) {
			block.weights[j] = weights + (long)chosen[done + j] * shape->kernel * shape->run;
			block.bias[j] = bias[chosen[done + j]];
		}
		for (int y = 0; y < shape->out_height; y += ROWS) {
			// Where the number of rows is odd, the last is computed twice.
			int next = y + 1 < shape->out_height ? y + 1 : y;

			for (int x = 0; x < shape->out_width; x += LEARNING_LANES) {
				block.rows[0] = planes + (long)y * shape->width + x;
				block.rows[1] = planes + (long)next * shape->width + x;
				for (int j = 0; j < together; j++) {
					float *output = outputs + (done + j) * plane + x;

					block.outputs[j][0] = output + (long)y * shape->out_stride;
					block.outputs[j][1] = output + (long)next * shape->out_stride;
				}
				convolve_rows(&block, together);
			}
		}
	}
}
