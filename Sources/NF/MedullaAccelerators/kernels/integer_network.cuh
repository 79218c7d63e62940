// SPDX-License-Identifier: Apache-2.0
// The integer network of a snapshot, to the bit as the reference interpreter has it: all arithmetic on 64
// bits, shifts to the right towards minus infinity. One block does one row; a thread has every n-th element
// of a step's output. What the steps are is data, laid out by DeviceProgram.swift, which has the same list.

enum kind { DENSE, CONVOLUTION, PAD, POOL, GATHER, MAP, SOFTMAX, ARGMAX };
enum function { IDENTITY, CLAMP, LEAKY, TABLE };
enum pool_kind { MAXIMUM, AVERAGE, AVERAGE_COUNTING_PADDING };

// Offsets are in words of 8 bytes from the start of the program.
struct step {
	i64 kind, inputs, outputs, shift;
	i64 function, low, high, slope, slope_shift, table;
	// Weights and indices are i32.
	i64 weights, bias, multipliers;
	// Of a tensor [channels, height, width], and what a window does on it.
	i64 channels, height, width, out_channels, out_height, out_width;
	i64 kernel_height, kernel_width, stride_height, stride_width;
	i64 dilation_height, dilation_width, top, left, groups;
	// A pool's kind; the rows of a softmax; what stands for 1.
	i64 variant, rows, unit, reserved;
};

struct table {
	i64 maximum, fraction_bits, guard_bits, reserved;
	// Pairs of intercept and slope.
	i32 lines[];
};

struct feature {
	i64 low, width, multiplier, bias;
};

struct program {
	i64 inputs, outputs, feature_shift, steps, first_step, features, widest, reserved;
};

INLINE const i32 *halves(const i64 *words, i64 offset) { return (const i32 *)(words + offset); }

INLINE i64 cut(i64 v, i64 low, i64 high) { return v < low ? low : v > high ? high : v; }

INLINE i64 look_up(const i64 *words, i64 offset, i64 v)
{
	const table *t = (const table *)(words + offset);
	i64 at = cut(v, 0, t->maximum);
	i64 line = (at >> t->fraction_bits) * 2;
	return ((i64)t->lines[line] + (i64)t->lines[line + 1] * at) >> t->guard_bits;
}

INLINE i64 finish(const i64 *words, const step *s, i64 sum, i64 multiplier)
{
	i64 v = (sum * multiplier) >> s->shift;

	if (s->function == CLAMP)
		return cut(v, s->low, s->high);
	if (s->function == TABLE)
		return look_up(words, s->table, v);
	if (s->function == LEAKY) {
		i64 y = v >= 0 ? v : (v * s->slope + (1ll << (s->slope_shift - 1))) >> s->slope_shift;
		return cut(y, s->low, s->high);
	}
	return v;
}

INLINE i64 dense(const i64 *words, const step *s, const i64 *x, i64 o)
{
	const i32 *weights = halves(words, s->weights) + o * s->inputs;
	i64 sum = words[s->bias + o];

	LOOP for (i64 i = 0; i < s->inputs; i++)
		sum += weights[i] * x[i];
	return finish(words, s, sum, words[s->multipliers + o]);
}

INLINE i64 convolution(const i64 *words, const step *s, const i64 *x, i64 o)
{
	i64 column = o % s->out_width, row = o / s->out_width % s->out_height;
	i64 channel = o / (s->out_width * s->out_height);
	i64 inputs = s->channels / s->groups;
	i64 first = channel / (s->out_channels / s->groups) * inputs;
	const i32 *weight = halves(words, s->weights) + channel * inputs * s->kernel_height * s->kernel_width;
	i64 sum = words[s->bias + channel];

	LOOP for (i64 input = first; input < first + inputs; input++)
		LOOP for (i64 ky = 0; ky < s->kernel_height; ky++) {
			i64 y = row * s->stride_height + ky * s->dilation_height;
			const i64 *line = x + (input * s->height + y) * s->width + column * s->stride_width;
			LOOP for (i64 kx = 0; kx < s->kernel_width; kx++)
				sum += *weight++ * line[kx * s->dilation_width];
		}
	return finish(words, s, sum, words[s->multipliers + channel]);
}

INLINE i64 pad(const step *s, const i64 *x, i64 o)
{
	i64 column = o % s->out_width - s->left, row = o / s->out_width % s->out_height - s->top;
	i64 channel = o / (s->out_width * s->out_height);

	if (row < 0 || row >= s->height || column < 0 || column >= s->width)
		return 0;
	return x[(channel * s->height + row) * s->width + column];
}

INLINE i64 pool(const step *s, const i64 *x, i64 o)
{
	i64 left = o % s->out_width * s->stride_width - s->left;
	i64 top = o / s->out_width % s->out_height * s->stride_height - s->top;
	i64 channel = o / (s->out_width * s->out_height);
	i64 right = cut(left + s->kernel_width, 0, s->width);
	i64 bottom = cut(top + s->kernel_height, 0, s->height);
	i64 sum = 0, peak = (i64)(1ull << 63);

	left = cut(left, 0, s->width);
	top = cut(top, 0, s->height);
	LOOP for (i64 row = top; row < bottom; row++)
		LOOP for (i64 column = left; column < right; column++) {
			i64 value = x[(channel * s->height + row) * s->width + column];
			sum += value;
			peak = value > peak ? value : peak;
		}
	if (s->variant == MAXIMUM)
		return peak;
	i64 n = s->kernel_height * s->kernel_width;
	if (s->variant == AVERAGE)
		n = (bottom - top) * (right - left);
	// Positive before the division, which then rounds the same way for every sign.
	return (sum + n / 2 + (n << 31)) / n - (1ll << 31);
}

INLINE i64 power(const i64 *words, const step *s, i64 below)
{
	return look_up(words, s->table, (below * words[s->multipliers]) >> s->shift);
}

INLINE void softmax(const i64 *words, const step *s, const i64 *x, i64 *y, i64 row)
{
	i64 length = s->inputs / s->rows, peak = x[row * length], sum = 0;

	LOOP for (i64 i = row * length; i < (row + 1) * length; i++)
		peak = x[i] > peak ? x[i] : peak;
	LOOP for (i64 i = row * length; i < (row + 1) * length; i++)
		sum += power(words, s, peak - x[i]);
	LOOP for (i64 i = row * length; i < (row + 1) * length; i++)
		y[i] = (power(words, s, peak - x[i]) * s->unit + sum / 2) / sum;
}

INLINE i64 argmax(const step *s, const i64 *x)
{
	i64 best = 0;

	LOOP for (i64 i = 1; i < s->inputs; i++)
		best = x[i] > x[best] ? i : best;
	return best * s->unit;
}

INLINE i64 element(const i64 *words, const step *s, const i64 *x, i64 o)
{
	if (s->kind == DENSE)
		return dense(words, s, x, o);
	if (s->kind == CONVOLUTION)
		return convolution(words, s, x, o);
	if (s->kind == PAD)
		return pad(s, x, o);
	if (s->kind == POOL)
		return pool(s, x, o);
	if (s->kind == GATHER)
		return x[halves(words, s->weights)[o]];
	if (s->kind == ARGMAX)
		return argmax(s, x);
	return finish(words, s, x[o] + words[s->bias], words[s->multipliers]);
}

INLINE i64 enter(const i64 *words, const program *p, i64 feature_index, i64 value)
{
	const feature *f = (const feature *)(words + p->features) + feature_index;
	u64 t = (u64)value - (u64)f->low;

	if (t > (u64)f->width)
		t = value < f->low ? 0 : (u64)f->width;
	return ((i64)t * f->multiplier + f->bias) >> p->feature_shift;
}

// Rows of features to rows of outputs. `memory` has room for two tensors of the widest step in each block.
KERNEL medulla_integer_network(const i64 *words, const i64 *inputs, i64 *outputs, i64 *memory, u32 rows)
{
	const program *p = (const program *)words;
	i64 thread = thread_index(), threads = thread_count();

	LOOP for (i64 row = block_index(); row < rows; row += block_count()) {
		i64 *x = memory + block_index() * 2 * p->widest, *y = x + p->widest;

		LOOP for (i64 i = thread; i < p->inputs; i += threads)
			x[i] = enter(words, p, i, inputs[row * p->inputs + i]);
		block_barrier();
		LOOP for (i64 n = 0; n < p->steps; n++) {
			const step *s = (const step *)(words + p->first_step) + n;
			if (s->kind == SOFTMAX) {
				LOOP for (i64 i = thread; i < s->rows; i += threads)
					softmax(words, s, x, y, i);
			} else {
				LOOP for (i64 i = thread; i < s->outputs; i += threads)
					y[i] = element(words, s, x, i);
			}
			block_barrier();
			i64 *last = x;
			x = y;
			y = last;
		}
		LOOP for (i64 i = thread; i < p->outputs; i += threads)
			outputs[row * p->outputs + i] = x[i];
		block_barrier();
	}
}
