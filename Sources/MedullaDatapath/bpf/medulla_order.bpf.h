/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Order between processors, and counts that no interruption loses.
 *
 * BPF has load-acquire and store-release since Linux 6.15 (commit 880442305a39; x86-64 and arm64), emitted by
 * LLVM 21 or later with -mcpu=v4 (llvm-project #108636). An older kernel refuses a program that has them, and
 * a bundle's object must load wherever tc and struct_ops links do (6.6), so they are not used. What is used
 * instead is there since Linux 5.12: atomics that give back the old value (BPF_FETCH, XCHG, CMPXCHG) order
 * everything before them and everything after, on every processor; `lock` on x86-64, the acquire-release
 * forms or a full barrier on arm64. Atomics that give nothing back order nothing, and neither does
 * `volatile`.
 *
 * Where an address is made from the loaded value (the active slot, then its image) the processor keeps the
 * order by itself, and user space stores such words with release.
 */
#ifndef MEDULLA_ORDER_BPF_H
#define MEDULLA_ORDER_BPF_H

#include "kernel_types.h"

/* For memory of one processor: an interruption on it sees the program's order. */
#define MEDULLA_BARRIER() asm volatile("" ::: "memory")

/* Without it a compiler before LLVM 20 would take the form that orders nothing. */
#define MEDULLA_USED(value) asm volatile("" : "+r"(value))

/* What comes after in the program comes after it, and what comes before, before. */
static __always_inline __u64 medulla_load_ordered(__u64 *word)
{
	__u64 value = __sync_fetch_and_add(word, 0);

	MEDULLA_USED(value);
	return value;
}

static __always_inline void medulla_store_ordered(__u64 *word, __u64 value)
{
	__u64 old = __sync_lock_test_and_set(word, value);

	MEDULLA_USED(old);
}

static __always_inline __u32 medulla_load_ordered32(__u32 *word)
{
	__u32 value = __sync_fetch_and_add(word, 0);

	MEDULLA_USED(value);
	return value;
}

static __always_inline void medulla_store_ordered32(__u32 *word, __u32 value)
{
	__u32 old = __sync_lock_test_and_set(word, value);

	MEDULLA_USED(old);
}

/*
 * Counts of one processor are written by it alone, but by more than one program at once: a softirq interrupts
 * a program in a process's context between its load and its store. Nothing is ordered by it.
 */
static __always_inline void medulla_count(__u64 *counter, __u64 by)
{
	__atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

/*
 * The same in a program at tc or XDP. Softirqs are off there, so that whatever counts too comes before or
 * after: others of its kind, and a program in a process's context, whose addition is one instruction and is
 * itself not cut in two. Two atomic additions took 10 ns of a packet's 61.
 */
static __always_inline void medulla_count_alone(__u64 *counter, __u64 by)
{
	*counter += by;
}

/* For what both kinds of program include. */
#ifdef MEDULLA_AT_PACKETS
#define MEDULLA_COUNT medulla_count_alone
#else
#define MEDULLA_COUNT medulla_count
#endif

/* Raises a maximum. One attempt: when an interruption raised it between, that one's value stays. */
static __always_inline void medulla_count_most(__u64 *most, __u64 value)
{
	__u64 before = *(volatile __u64 *)most;

	if (value > before)
		__sync_val_compare_and_swap(most, before, value);
}

/* Lowers a minimum, of which 0 is none. */
static __always_inline void medulla_count_least(__u64 *least, __u64 value)
{
	__u64 before = *(volatile __u64 *)least;

	if (!before || value < before)
		__sync_val_compare_and_swap(least, before, value);
}

#endif /* MEDULLA_ORDER_BPF_H */
