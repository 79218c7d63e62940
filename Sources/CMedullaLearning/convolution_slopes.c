// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

// Sums of so many vectors stay in registers.
enum { VECTORS = 8 };

// A tile of a kernel's rows: `rows` rows of `vectors` vectors, the first of them `from` numbers into its row.
struct tile {
	const struct learning_entry *entries;
	int32_t count, row, from;
	long step; // Numbers from one row of the inputs to the next.
};

ALWAYS_INLINE void add_weights(const struct learning_convolution *shape, const struct tile *tile,
			       const float *inputs, const int rows, const int vectors, float *weights)
{
	numbers8 sums[VECTORS] = {0};
	int used = shape->kernel * shape->channels - tile->from;

	inputs += tile->row * tile->step + tile->from;
	for (int32_t e = 0; e < tile->count; e++) {
		const float *window = inputs + tile->entries[e].offset;
		float slope = tile->entries[e].slope;

		for (int r = 0; r < rows; r++)
			for (int v = 0; v < vectors; v++)
				sums[r * vectors + v] +=
					*at(window + r * tile->step + v * LEARNING_LANES) * slope;
	}
	weights += (long)tile->row * shape->run + tile->from;
	for (int r = 0; r < rows; r++) {
		for (int v = 0; v < vectors; v++) {
			numbers8 *sum = &sums[r * vectors + v];

			// What fills a row up stays 0.
			keep_lanes(sum, used - v * LEARNING_LANES);
			*place(weights + (long)r * shape->run + v * LEARNING_LANES) += *sum;
		}
	}
}

ALWAYS_INLINE void add_inputs(const struct learning_convolution *shape, const struct tile *tile,
			      const float *weights, const int rows, const int vectors, float *inputs)
{
	numbers8 factors[VECTORS];

	weights += (long)tile->row * shape->run + tile->from;
	for (int r = 0; r < rows; r++)
		for (int v = 0; v < vectors; v++)
			factors[r * vectors + v] = *at(weights + (long)r * shape->run + v * LEARNING_LANES);
	inputs += tile->row * tile->step + tile->from;
	for (int32_t e = 0; e < tile->count; e++) {
		float *window = inputs + tile->entries[e].offset;
		float slope = tile->entries[e].slope;

		for (int r = 0; r < rows; r++)
			for (int v = 0; v < vectors; v++)
				*place(window + r * tile->step + v * LEARNING_LANES) +=
					factors[r * vectors + v] * slope;
	}
}

// Either of the two, with its sizes as constants.
ALWAYS_INLINE void add_tile(const struct learning_convolution *shape, const struct tile *tile,
			    const int of_inputs, const int rows, const int vectors, const float *from,
			    float *to)
{
	if (of_inputs)
		add_inputs(shape, tile, from, rows, vectors, to);
	else
		add_weights(shape, tile, from, rows, vectors, to);
}

ALWAYS_INLINE void add_short_rows(const struct learning_convolution *shape, const struct tile *tile,
				  const int of_inputs, int rows, const float *from, float *to)
{
	switch (rows) {
	case 1:
		return add_tile(shape, tile, of_inputs, 1, 1, from, to);
	case 2:
		return add_tile(shape, tile, of_inputs, 2, 1, from, to);
	case 3:
		return add_tile(shape, tile, of_inputs, 3, 1, from, to);
	case 4:
		return add_tile(shape, tile, of_inputs, 4, 1, from, to);
	default:
		return add_tile(shape, tile, of_inputs, 5, 1, from, to);
	}
}

ALWAYS_INLINE void add_long_row(const struct learning_convolution *shape, const struct tile *tile,
				const int of_inputs, int vectors, const float *from, float *to)
{
	switch (vectors) {
	case 1:
		return add_tile(shape, tile, of_inputs, 1, 1, from, to);
	case 2:
		return add_tile(shape, tile, of_inputs, 1, 2, from, to);
	case 3:
		return add_tile(shape, tile, of_inputs, 1, 3, from, to);
	case 4:
		return add_tile(shape, tile, of_inputs, 1, 4, from, to);
	case 5:
		return add_tile(shape, tile, of_inputs, 1, 5, from, to);
	case 6:
		return add_tile(shape, tile, of_inputs, 1, 6, from, to);
	case 7:
		return add_tile(shape, tile, of_inputs, 1, 7, from, to);
	default:
		return add_tile(shape, tile, of_inputs, 1, VECTORS, from, to);
	}
}

ALWAYS_INLINE void add_all(const struct learning_convolution *shape, const struct learning_entry *entries,
			   int32_t count, const int of_inputs, const float *from, float *to)
{
	struct tile tile = {.entries = entries, .count = count, .step = (long)shape->width * shape->channels};

	if (shape->run == LEARNING_LANES) {
		for (; tile.row < shape->kernel; tile.row += 5)
			add_short_rows(shape, &tile, of_inputs, shape->kernel - tile.row, from, to);
		return;
	}
	for (; tile.row < shape->kernel; tile.row++)
		for (tile.from = 0; tile.from < shape->run; tile.from += VECTORS * LEARNING_LANES)
			add_long_row(shape, &tile, of_inputs, (shape->run - tile.from) / LEARNING_LANES, from,
				     to);
}

FOR_EACH_PROCESSOR
void learning_add_weight_slopes(const struct learning_convolution *shape, const float *interleaved,
				const struct learning_entry *entries, int32_t count, float *weights,
				float *bias)
{
	float sum = 0;

	for (int32_t e = 0; e < count; e++)
		sum += entries[e].slope;
	*bias += sum;
	add_all(shape, entries, count, 0, interleaved, weights);
}

// The numbers that fill a row of weights up are 0, so what is added behind a window changes nothing.
FOR_EACH_PROCESSOR
void learning_add_input_slopes(const struct learning_convolution *shape, const struct learning_entry *entries,
			       int32_t count, const float *weights, float *interleaved)
{
	add_all(shape, entries, count, 1, weights, interleaved);
}
