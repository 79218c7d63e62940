/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What a switch knows of a layer: one source for the kernel's programs, for user space that writes it, and
 * for the same computation outside the kernel.
 *
 * All of it lies in one memory, a switch's arena, and every `_at` is an address there. User space writes a
 * task as a whole before it publishes it in a way (`fabric_way`), and changes nothing of it afterwards.
 */
#ifndef MEDULLA_FABRIC_TASK_H
#define MEDULLA_FABRIC_TASK_H

#include <linux/types.h>

#define FABRIC_MODELS 8
#define FABRIC_EPOCHS 4 /* of a model, in the tables at once */
#define FABRIC_LABELS 32 /* of a model: its stages, and one for the answers */
#define FABRIC_PORTS 64 /* of a switch */
/* The ends of a wire from a switch to itself: what leaves by one comes in by the other. */
#define FABRIC_LOOP 0 /* own cells leave by it, and come in like a neighbour's */
#define FABRIC_HERE 1 /* copies for the switch itself leave by it */
#define FABRIC_LANES 64 /* processors that compute, each with sums of its own */
#define FABRIC_INTERFACES 256 /* numbers of interfaces of a switch's namespace stay below */

#define FABRIC_CHUNKS 1024 /* cells of one layer's inputs, or of its outputs */
#define FABRIC_MASK_WORDS (FABRIC_CHUNKS / 64)
#define FABRIC_ROWS 1024 /* of a layer's inputs, and of its outputs */
#define FABRIC_BURST 64 /* cells that one cell can set free */

#define FABRIC_SUMS 12 /* at most that are made side by side: four words of three lanes */
#define FABRIC_STAGING_BYTES 2048
#define FABRIC_POSITIONS 64 /* of a convolution, computed together */
#define FABRIC_FINISHES 4

enum fabric_kind {
	FABRIC_DENSE = 1,
	FABRIC_CONVOLUTION = 2,
	FABRIC_FAITHFUL = 3, /* dense, by shifts and additions, some at a time */
};

enum fabric_function {
	FABRIC_IDENTITY = 0,
	FABRIC_CLAMP = 1, /* to low…high */
	FABRIC_LEAKY = 2, /* below 0 by slope and slope_shift, then to low…high */
	FABRIC_TABLE = 3,
};

enum fabric_pool {
	FABRIC_NO_POOL = 0,
	FABRIC_MAXIMUM = 1,
	FABRIC_MAXIMUM_OF_SUMS = 2, /* before the function, which keeps order */
	FABRIC_AVERAGE = 3,
	FABRIC_AVERAGE_OF_ALL = 4, /* counts what lies in the padding */
};

enum fabric_tail {
	FABRIC_NO_TAIL = 0,
	FABRIC_SOFTMAX = 1,
	FABRIC_ARGMAX = 2,
};

/* A function given by straight lines (FunctionTable): pairs of intercept and slope, 32 bits each. */
struct fabric_table {
	__u64 lines_at;
	__s64 maximum; /* coordinates lie in 0…maximum */
	__u64 fraction_bits;
	__u64 guard_bits;
};

/*
 * v = ((x + bias) · multiplier) >> shift, then a function; bias and multiplier of a layer are its channels'.
 */
struct fabric_finish {
	__u64 function;
	__u64 shift;
	__s64 bias;
	__s64 multiplier;
	__s64 low;
	__s64 high;
	__s64 slope;
	__u64 slope_shift;
	struct fabric_table table;
};

/* Where the payload of an input cell goes: runs of bytes, each `pitch` behind the one before. */
struct fabric_place {
	__u64 offset;
	__u64 bytes;
	__u64 run;
	__u64 pitch;
	__u64 row; /* of the inputs, for a convolution; else the cell itself */
	__u64 turn; /* whose of the processors it is: cells with work of their own take turns */
	__u64 work; /* multiply-accumulates of a unit that it may complete */
	__u64 terms; /* for a dense layer; a multiple of 8 */
	__u64 weights; /* bytes before this cell's, for a dense layer */
};

/* Channels that are summed side by side. */
struct fabric_columns {
	__u64 input; /* bytes from a window's first input to theirs: 0 but for groups */
	__u64 first; /* channel of the part's outputs */
	__u64 count; /* at most FABRIC_SUMS */
};

/* Where a sum of a convolution lies in its block. */
struct fabric_position {
	__s64 offset; /* bytes from the block's first input */
	__s64 row; /* of the convolution's outputs, from the block's first */
	__s64 column;
};

/*
 * A unit of work: a row of a convolution's outputs, after pooling; of a dense layer, a cell of its inputs,
 * which is a row of its own then.
 */
struct fabric_row {
	__u64 first; /* row of the inputs that it needs */
	__u64 last;
};

/* Units that a row of inputs is needed for. */
struct fabric_wake {
	__u64 first;
	__u64 count;
};

/*
 * An inference's state at a layer. `owner` is 0, or 1 + (client << 32 | inference); cells of it count
 * themselves in `users` before they look at it, and whoever takes the slot for another inference holds `lock`
 * and waits until no other user is there.
 */
struct fabric_slot {
	__u64 owner;
	__u32 lock;
	__u32 users;
	__u32 done; /* cells whose part of the sums is made */
	__u32 ask; /* 1: somebody is to ask for the cells that are missing */
	__u64 have[FABRIC_MASK_WORDS]; /* cells that have come */
	__u64 ready[FABRIC_MASK_WORDS]; /* cells of outputs that are whole */
	__u64 sent[FABRIC_MASK_WORDS]; /* and on their way */
	__u64 claimed[FABRIC_ROWS / 64]; /* units that somebody computes */
	__u32 pieces[FABRIC_ROWS]; /* cells of each row of inputs that are there */
};

struct fabric_counts {
	__u64 cells; /* for this layer */
	__u64 repeated; /* that were there already */
	__u64 late; /* of an inference that has gone */
	__u64 refused; /* that do not fit the layer */
	__u64 busy; /* that met a slot being taken */
	__u64 broken; /* computations that did not come to their end */
	__u64 outputs; /* cells sent */
	__u64 again; /* asked for again */
};

/* One part of a layer on a switch. */
struct fabric_task {
	__u64 zero; /* 0: where loops start, so that the verifier does not know it and follow each turn */
	__u64 kind;
	__u64 input_bytes; /* of an activation: 1 or 2 */
	__u64 output_bytes; /* 1, 2, or 8 for answers */
	__u64 answer_label; /* the label of the way to the client */
	__u64 is_last; /* its outputs are the answer */
	__u64 is_first; /* its inputs are the client's */

	__u64 slots_at;
	__u64 slots; /* for each client */
	__u64 clients;
	__u64 counts_at; /* one for each lane */

	__u64 cells; /* of inputs */
	__u64 places_at;
	__u64 input_at;
	__u64 input_stride; /* of a slot */
	__u64 staging_at; /* a cell's payload before it goes to its place in pieces, for each processor */

	__u64 cells_before; /* of outputs, of other parts */
	__u64 cells_sent; /* of outputs, of this part */
	__u64 cells_next; /* of outputs, of all parts */
	__u64 output_at;
	__u64 output_stride;
	__u64 output_row; /* bytes of a row, rounded up to 8 */
	__u64 row_pieces; /* cells of a row */
	__u64 piece_bytes; /* of a row's cells but the last */
	__u64 last_bytes;

	__u64 lanes; /* of a word: 1, 2 or 3 */
	__u64 flush; /* terms that a word's lanes take */
	__u64 channels;
	__u64 units;
	__u64 columns; /* entries */
	__u64 columns_at;
	__u64 weights_at;
	__u64 by_columns; /* dense: a cell's weights lie column by column, else term by term */
	__u64 biases_at; /* for each entry of columns, 4 · lanes */
	__u64 multipliers_at;

	__u64 processors; /* that have sums of their own */
	/* A convolution: of a processor. Others: of a slot, then of a processor; faithful: with counters. */
	__u64 sums_at;
	__u64 sums_stride; /* of a processor */

	/* Of what is not 0 (fabric_sparse.h): of a processor, then of a position, or with column words. */
	__u64 lists_at;
	__u64 lists_stride; /* of a processor */
	__u64 list_stride;
	__u64 list_first; /* bytes from a list to its first term */

	__u64 products; /* faithful: of a pass */
	__u64 terms; /* faithful: of a neuron, of all cells */

	__u64 runs; /* of a window: pieces that lie together; one of a dense layer's cell */
	__u64 runs_at; /* bytes from the window's first input */
	__u64 run_terms; /* a multiple of 4, or of 8 where more than `flush` */
	__u64 block_weights; /* bytes of an entry of columns */
	__u64 blocks; /* of a row of outputs */
	__s64 block_row; /* bytes of inputs from a row's blocks to the next one's */
	__s64 block_step; /* from a block to the next one */
	__s64 block_first; /* to the first one */
	__u64 positions; /* of a block */
	__u64 positions_at;
	__u64 rows_at; /* struct fabric_row */
	__u64 wakes_at; /* struct fabric_wake */
	__u64 pieces_per_row; /* of inputs */

	__u64 pool;
	__u64 pool_size;
	__u64 is_clipped; /* windows reach into padding */
	__s64 sum_rows; /* of the convolution's own outputs */
	__s64 sum_columns;
	__s64 pool_top; /* row of the first window, not above 0 */
	__s64 pool_left;
	__s64 pool_down; /* strides */
	__s64 pool_right;

	__u64 finishes;
	__u64 finishes_first; /* of them, before pooling */
	struct fabric_finish finish[FABRIC_FINISHES];

	__u64 tail;
	__u64 tail_length; /* of a row of softmax */
	__u64 tail_shift;
	__s64 tail_multiplier;
	__s64 tail_unit;
	struct fabric_table tail_table;
	__u64 values_at; /* of a slot, when there is a tail */
	__u64 values_stride;
};

/* In the place of a task. */
#define FABRIC_ECHO 1
/* The model whose labels are links: a cell of it goes along one, and back as an answer. */
#define FABRIC_PROBE_MODEL (FABRIC_MODELS - 1)

/* What a switch does with a label's cells. User space writes `key` last, and 0 there first. */
struct fabric_way {
	__u32 key; /* 1 + epoch */
	__u32 reserved;
	__u64 ports; /* bits: where cells go on to, but not to where they came from */
	__u64 task_at; /* 0: nothing here takes them; FABRIC_ECHO: they go back where they came from */
};

/* The first thing in a switch's memory. */
struct fabric_switch {
	struct fabric_way ways[FABRIC_MODELS][FABRIC_EPOCHS][FABRIC_LABELS];
	/* 1 + the port of an interface; 0: none. */
	__u8 port_of[FABRIC_INTERFACES];
	__u64 client_ports; /* bits */
	__u64 loss; /* cells in a million that are dropped as they come in, for tests */
	__u64 is_down; /* drops all, for tests */
	__u64 foreign; /* frames of no cell */
	__u64 unrouted; /* cells of no way */
	__u64 dropped; /* by `loss` and `is_down` */
	__u64 lane_count;
	__u64 turns; /* in user space: how often what was there has been done; nothing is under way between */
	__u64 received[FABRIC_PORTS]; /* cells, by the port that they came in by */
};

#endif /* MEDULLA_FABRIC_TASK_H */
