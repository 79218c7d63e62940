/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * A switch's computation outside of the kernel: the same code over the same memory, without frames. For
 * tests, and as the measure of what the kernel adds.
 */
#ifndef MEDULLA_FABRIC_ENGINE_H
#define MEDULLA_FABRIC_ENGINE_H

#include "fabric_task.h"

/* What fabric_cell_in says when a cell sets none free. */
#define FABRIC_IN_REPEATED -1
#define FABRIC_IN_LATE -2
#define FABRIC_IN_BUSY -3

/*
 * Takes in a cell of a task's inputs, of `place.bytes` of payload. Gives how many cells of outputs have
 * become whole by it, or one of the above.
 */
int fabric_cell_in(
	__u64 task, __u32 client, __u32 inference, __u32 chunk, const __u8 *payload, __u64 lane);

/*
 * Takes out a cell of outputs that is whole and was not taken yet: its number, and its payload into room for
 * FABRIC_STAGING_BYTES. Gives -1 when there is none.
 */
int fabric_cell_out(__u64 task, __u32 client, __u32 inference, __u8 *payload, __u32 *bytes);

/* Somebody has only those cells of outputs whose bits are set: gives how many are taken out again. */
int fabric_cells_again(__u64 task, __u32 client, __u32 inference, const __u64 *has);

#endif /* MEDULLA_FABRIC_ENGINE_H */
