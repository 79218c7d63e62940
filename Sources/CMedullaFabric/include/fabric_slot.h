/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What cells of a layer meet: the slot of their inference, which each of them enters and leaves. Cells may
 * come twice, late, in any order, and on several processors at once.
 *
 * Who takes a slot for another inference holds its lock and is its only user; who finds the lock taken goes
 * away again. So nobody writes for one inference into what belongs to another.
 */
#ifndef MEDULLA_FABRIC_SLOT_H
#define MEDULLA_FABRIC_SLOT_H

#include "fabric_convolution.h"
#include "fabric_faithful.h"

typedef FABRIC_AT struct fabric_slot fabric_slot_at;
typedef FABRIC_AT struct fabric_counts fabric_counts_at;
typedef FABRIC_AT struct fabric_row fabric_row_at;
typedef FABRIC_AT struct fabric_wake fabric_wake_at;

/* What fabric_enter says. */
#define FABRIC_ENTERED 0
#define FABRIC_LATE 1 /* the slot has a newer inference */
#define FABRIC_BUSY 2
#define FABRIC_UNKNOWN 3 /* the slot has an older one, and shall keep it */

static __always_inline fabric_slot_at *fabric_slot_of(const fabric_task_at *task, __u64 slot)
{
	return (fabric_slot_at *)(task->slots_at + slot * sizeof(struct fabric_slot));
}

static __always_inline fabric_counts_at *fabric_counts_of(const fabric_task_at *task, __u64 lane)
{
	return (fabric_counts_at *)(task->counts_at + lane * sizeof(struct fabric_counts));
}

static __always_inline __u64 fabric_owner(__u32 client, __u32 inference)
{
	return ((__u64)client << 32 | inference) + 1;
}

/* Makes the slot empty, for its one user. */
static __always_inline int fabric_take(const fabric_task_at *task, fabric_slot_at *slot, __u64 number)
{
	__u64 sums = fabric_sums(task, number, 0), rows = (task->cells + 1) >> 1;

	/* No more rows than cells. */
	if (!fabric_clear((__u64)&slot->done, (__u64)slot->pieces + rows * 8))
		return 0;
	return task->kind == FABRIC_CONVOLUTION ||
	       fabric_clear(sums, sums + task->processors * task->sums_stride);
}

/* Takes a slot that its one holder has locked, when the others have left it. */
static __always_inline int fabric_take_locked(
	const fabric_task_at *task, fabric_slot_at *slot, __u64 number, __u64 seen, __u64 owner)
{
	/* They are at their work, which is done in less than a millisecond. */
	while (fabric_read32(&slot->users) != 1 && FABRIC_MORE)
		;
	/* Another one may have taken it before the lock was ours. */
	if (fabric_read32(&slot->users) != 1 || slot->owner != seen)
		return 0;
	__sync_lock_test_and_set(&slot->owner, 0);
	if (!fabric_take(task, slot, number))
		return 0;
	__sync_lock_test_and_set(&slot->owner, owner);
	return 1;
}

/*
 * Enters the slot of an inference as a user, and takes it for the inference when it has an older one and
 * `takes` is set. FABRIC_ENTERED must be followed by fabric_leave; anything else must not. Who meets a lock
 * waits until it is open, and is no user meanwhile.
 */
FABRIC_FUNCTION int fabric_enter(__u64 task_at, __u64 number, __u64 owner, __u64 takes)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	fabric_slot_at *slot = fabric_slot_of(task, number);

	while (FABRIC_MORE) {
		int outcome = FABRIC_BUSY;

		__sync_fetch_and_add(&slot->users, 1);
		if (!fabric_read32(&slot->lock)) {
			__u64 seen = fabric_read64(&slot->owner);

			if (seen == owner)
				return FABRIC_ENTERED;
			if (seen && (__s32)((__u32)owner - (__u32)seen) < 0)
				outcome = FABRIC_LATE;
			else if (!takes)
				outcome = FABRIC_UNKNOWN;
			else if (!__sync_val_compare_and_swap(&slot->lock, 0, 1)) {
				if (fabric_take_locked(task, slot, number, seen, owner))
					outcome = FABRIC_ENTERED;
				__sync_lock_test_and_set(&slot->lock, 0);
			}
		}
		if (outcome == FABRIC_ENTERED)
			return outcome;
		__sync_fetch_and_add(&slot->users, (__u32)-1);
		if (outcome != FABRIC_BUSY)
			return outcome;
		while (fabric_read32(&slot->lock) && FABRIC_MORE)
			;
	}
	return FABRIC_BUSY;
}

static __always_inline void fabric_leave(__u64 task_at, __u64 number)
{
	fabric_slot_at *slot = fabric_slot_of((const fabric_task_at *)task_at, number);

	__sync_fetch_and_add(&slot->users, (__u32)-1);
}

/* Stores the lowest bytes of a word. */
FABRIC_FUNCTION int fabric_keep_rest(__u64 to, __u64 bytes, __u64 word)
{
	__u64 end = to + bytes;

	for (; to != end && FABRIC_MORE; to++, word >>= 8) {
		FABRIC_HOLD(to);
		*(fabric_u8 *)to = (__u8)word;
	}
	return to == end;
}

/* Takes a payload from where it waits to its places in the layer's inputs, run by run. */
FABRIC_FUNCTION int fabric_scatter(__u64 task_at, __u64 number, __u64 place_at, __u64 lane)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	const fabric_place_at *place = (const fabric_place_at *)place_at;
	__u64 to = task->input_at + number * task->input_stride + place->offset, run = place->run;
	__u64 from = task->staging_at + lane * FABRIC_STAGING_BYTES, end = from + place->bytes;

	for (; from != end && FABRIC_MORE; to += place->pitch - run) {
		__u64 stop = end - from < run ? end : from + run;

		for (; from != stop && FABRIC_MORE; from++, to++) {
			FABRIC_HOLD(from);
			FABRIC_HOLD(to);
			*(fabric_u8 *)to = *(fabric_u8 *)from;
		}
	}
	return from == end;
}

/* Whether a cell is the first of its number, which from now on it is. */
static __always_inline int fabric_is_first(fabric_slot_at *slot, __u64 cell)
{
	__u64 bit = 1ull << (cell & 63);

	return !(fabric_set_bits(&slot->have[cell >> 6 & (FABRIC_MASK_WORDS - 1)], bit) & bit);
}

/* Says that cells of outputs are whole. */
static __always_inline int fabric_set_ready(fabric_slot_at *slot, __u64 first, __u64 count)
{
	__u64 end = first + count;

	for (; first < end && FABRIC_MORE; first++) {
		__u64 word;

		FABRIC_HOLD(first);
		word = first >> 6 & (FABRIC_MASK_WORDS - 1);

		if (fabric_set_bits(&slot->ready[word], 1ull << (first & 63)) == ~0ull)
			return 0;
	}
	return first == end;
}

/* The place of a word's lowest bit. */
static __always_inline __u64 fabric_lowest(__u64 word)
{
	__u64 place = 0;

	if (!(word & 0xffffffff)) {
		place += 32;
		word >>= 32;
	}
	if (!(word & 0xffff)) {
		place += 16;
		word >>= 16;
	}
	if (!(word & 0xff)) {
		place += 8;
		word >>= 8;
	}
	if (!(word & 0xf)) {
		place += 4;
		word >>= 4;
	}
	if (!(word & 0x3)) {
		place += 2;
		word >>= 2;
	}
	return place + !(word & 1);
}

/* A cell of outputs that is whole and not on its way yet, which it now is; -1: there is none. */
FABRIC_FUNCTION int fabric_next(__u64 task_at, __u64 number)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	fabric_slot_at *slot = fabric_slot_of(task, number);
	__u64 word = task->cells_before >> 6;
	__u64 end = (task->cells_before + task->cells_sent + 63) >> 6;

	for (; word < end && FABRIC_MORE; word++) {
		__u64 at, open;

		FABRIC_HOLD(word);
		at = word & (FABRIC_MASK_WORDS - 1);
		for (open = slot->ready[at] & ~slot->sent[at]; open && FABRIC_MORE;
		     open = slot->ready[at] & ~slot->sent[at]) {
			__u64 place = fabric_lowest(open), bit = 1ull << place;

			if (!(fabric_set_bits(&slot->sent[at], bit) & bit))
				return (int)(word << 6 | place);
		}
	}
	return -1;
}

static __always_inline int fabric_count_bits(__u64 word)
{
	word -= word >> 1 & 0x5555555555555555;
	word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (int)(word * 0x0101010101010101 >> 56);
}

/*
 * Somebody has only those of the outputs' cells whose bits are set in the words at `has`: the others are to
 * be sent again. Gives how many of them are whole.
 */
FABRIC_FUNCTION int fabric_again(__u64 task_at, __u64 number, __u64 has)
{
	const fabric_task_at *task = (const fabric_task_at *)task_at;
	fabric_slot_at *slot = fabric_slot_of(task, number);
	__u64 word = task->cells_before >> 6, end = (task->cells_before + task->cells_sent + 63) >> 6;
	int count = (int)task->zero;

	for (; word < end && FABRIC_MORE; word++) {
		__u64 at = word & (FABRIC_MASK_WORDS - 1), wanted;

		FABRIC_HOLD(word);
		wanted = slot->ready[at] & ~((fabric_u64 *)has)[at];
		if (wanted && fabric_clear_bits(&slot->sent[at], wanted))
			count += fabric_count_bits(wanted);
	}
	return count;
}

/* Whether inputs are still missing. */
static __always_inline int fabric_lacks(const fabric_task_at *task, const fabric_slot_at *slot)
{
	__u64 cells = task->cells, word = task->zero;

	for (; cells && FABRIC_MORE; word++) {
		__u64 all = cells >= 64 ? ~0ull : (1ull << cells) - 1;

		FABRIC_HOLD(word);
		if ((slot->have[word & (FABRIC_MASK_WORDS - 1)] & all) != all)
			return 1;
		cells = cells >= 64 ? cells - 64 : 0;
	}
	return 0;
}

#endif /* MEDULLA_FABRIC_SLOT_H */
