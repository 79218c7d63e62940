/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * A switch's memory as the same code sees it in the kernel, where it is an arena, and outside.
 *
 * In the kernel every loop asks `FABRIC_MORE` whether it may go on: the kernel ends loops that take longer
 * than a quarter of a second, without a word. So each computation tells whether it came to its end.
 */
#ifndef MEDULLA_FABRIC_MEMORY_H
#define MEDULLA_FABRIC_MEMORY_H

#include <linux/types.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#ifdef __bpf__

#define FABRIC_AT __attribute__((address_space(1)))
/* Verified once, by itself, for whatever numbers it is called with. */
#define FABRIC_FUNCTION __attribute__((noinline))

/* The instruction may_goto, which no assembler here has a name for: it leaves the loop when time is up. */
#define FABRIC_MORE                                                               \
	({                                                                        \
		__label__ over, out;                                              \
		int more = 1;                                                     \
		asm volatile goto("1: .byte 0xe5; .byte 0;"                       \
				  ".long ((%l[over] - 1b - 8) / 8) & 0xffff;"     \
				  ".short 0"                                      \
				  :                                               \
				  :                                               \
				  :                                               \
				  : over);                                        \
		goto out;                                                         \
	over:                                                                     \
		more = 0;                                                         \
	out:;                                                                     \
		more;                                                             \
	})

#else

#define FABRIC_AT
#define FABRIC_FUNCTION static __attribute__((unused))
#define FABRIC_MORE 1

#endif

/* Keeps the compiler from knowing where a value comes from: from loading ahead, and from merging stores. */
#define FABRIC_HOLD(value) asm volatile("" : "+r"(value))

typedef FABRIC_AT __u64 fabric_u64;
typedef FABRIC_AT __s64 fabric_s64;
typedef FABRIC_AT __u32 fabric_u32;
typedef FABRIC_AT __s32 fabric_s32;
typedef FABRIC_AT __s16 fabric_s16;
typedef FABRIC_AT __s8 fabric_s8;
typedef FABRIC_AT __u8 fabric_u8;

/* Reads in order with every other atomic access. The compiler shall not see that nothing is added. */
static __always_inline __u32 fabric_read32(fabric_u32 *at)
{
	__u32 none = 0;

	FABRIC_HOLD(none);
	return __sync_fetch_and_add(at, none);
}

static __always_inline __u64 fabric_read64(fabric_u64 *at)
{
	__u64 none = 0;

	FABRIC_HOLD(none);
	return __sync_fetch_and_add(at, none);
}

/* An arena has no atomic `or` and `and`; of those who change a word at once, one gets on with it. */

/* Sets bits of a word, and gives it as it was before; all ones when others would not leave it alone. */
static __always_inline __u64 fabric_set_bits(fabric_u64 *at, __u64 bits)
{
	__u64 seen = *(volatile fabric_u64 *)at;

	while (FABRIC_MORE) {
		__u64 before = __sync_val_compare_and_swap(at, seen, seen | bits);

		if (before == seen)
			return before;
		seen = before;
	}
	return ~0ull;
}

static __always_inline int fabric_clear_bits(fabric_u64 *at, __u64 bits)
{
	__u64 seen = *(volatile fabric_u64 *)at;

	while (FABRIC_MORE) {
		__u64 before = __sync_val_compare_and_swap(at, seen, seen & ~bits);

		if (before == seen)
			return 1;
		seen = before;
	}
	return 0;
}

/* Zeros words; stores of a constant that lie beside each other would be merged into ones that do not load. */
static __always_inline int fabric_clear(__u64 at, __u64 end)
{
	for (; at != end && FABRIC_MORE; at += 8) {
		__s64 zero = 0;

		FABRIC_HOLD(at);
		FABRIC_HOLD(zero);
		*(fabric_s64 *)at = zero;
	}
	return at == end;
}

#endif /* MEDULLA_FABRIC_MEMORY_H */
