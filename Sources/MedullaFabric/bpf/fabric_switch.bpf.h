/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A switch's maps, and how its programs read and write cells. The size of cells is a constant of the object
 * (FABRIC_PAYLOAD bytes behind the header), so that a payload is copied by as many loads and stores.
 */
#ifndef FABRIC_SWITCH_BPF_H
#define FABRIC_SWITCH_BPF_H

#include "kernel_types.h"

#include "fabric_ways.h"

#define FABRIC_FRAME (FABRIC_HEADER_BYTES + FABRIC_PAYLOAD)
#define FABRIC_PAYLOAD_WORDS (FABRIC_PAYLOAD / 8)

/* Younger than the headers that this is compiled with. */
#define MEDULLA_MAP_TYPE_ARENA 33

struct {
	__uint(type, MEDULLA_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* pages: as many as the switch's tasks need */
	__ulong(map_extra, 1ull << 44);
} fabric_memory SEC(".maps");

/* Where the memory begins, for user space too. */
const volatile __u64 fabric_base = 0;

#define FABRIC_DEVICES(name, entries)                   \
	struct {                                        \
		__uint(type, BPF_MAP_TYPE_DEVMAP_HASH); \
		__uint(max_entries, entries);           \
		__type(key, __u32);                     \
		__type(value, struct bpf_devmap_val);   \
	} name SEC(".maps")

FABRIC_DEVICES(fabric_ports, FABRIC_PORTS); /* one cell, by one port */
FABRIC_DEVICES(fabric_spread, FABRIC_PORTS); /* copies for all, of which fabric_copy lets some out */

/* The switch's own wire, as often as a cell can set others free: fabric_fill fills each copy. */
FABRIC_DEVICES(fabric_burst_2, 2);
FABRIC_DEVICES(fabric_burst_4, 4);
FABRIC_DEVICES(fabric_burst_8, 8);
FABRIC_DEVICES(fabric_burst_16, 16);
FABRIC_DEVICES(fabric_burst_32, 32);
FABRIC_DEVICES(fabric_burst_64, 64);

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, FABRIC_LANES);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} fabric_processors SEC(".maps");

/* Names the arena to the verifier, which each program with accesses to it must. */
#define FABRIC_USES_MEMORY asm volatile("" ::"r"(&fabric_memory))

static __always_inline fabric_switch_at *fabric_self(void)
{
	return (fabric_switch_at *)fabric_base;
}

/* Where the sums of this processor are; beyond any task's where it does not compute. */
static __always_inline __u64 fabric_lane(const fabric_task_at *task)
{
	__u64 lane = bpf_get_smp_processor_id();

	return lane < task->processors ? lane : FABRIC_LANES;
}

static __always_inline fabric_way_at *fabric_way(const struct fabric_cell *cell, __u32 label)
{
	return fabric_way_in(fabric_self(), cell, label);
}

/* A frame of a cell's size in a program's hands; 0: it is none. */
static __always_inline __u8 *fabric_frame(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;

	return data + FABRIC_FRAME <= end ? data : 0;
}

/* Reads a frame's header into memory, where it takes less of the stack than its parts by themselves. */
static __always_inline int fabric_read(const __u8 *frame, struct fabric_cell *cell)
{
	int status = fabric_parse(frame, FABRIC_FRAME, cell);

	asm volatile("" ::"r"(cell) : "memory");
	return status;
}

/* Copies `bytes` of a payload, the rest of a word byte by byte: what is behind may be there already. */
static __always_inline int fabric_keep(const __u8 *frame, __u64 to, __u64 bytes)
{
	const __u64 *from = (const __u64 *)(frame + FABRIC_HEADER_BYTES);
	__u64 end = to + (bytes & ~7ull), last = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < FABRIC_PAYLOAD_WORDS; i++) {
		__u64 word = from[i];

		FABRIC_HOLD(word);
		if (to + i * 8 >= end) {
			last = word;
			break;
		}
		*(fabric_u64 *)(to + i * 8) = word;
	}
	return fabric_keep_rest(end, bytes & 7, last);
}

/* Fills a payload with `bytes` of memory, and zeros behind them. */
static __always_inline void fabric_load(__u8 *frame, __u64 from, __u64 bytes)
{
	__u64 *to = (__u64 *)(frame + FABRIC_HEADER_BYTES);
	__u64 end = from + bytes;

#pragma clang loop unroll(full)
	for (int i = 0; i < FABRIC_PAYLOAD_WORDS; i++) {
		__u64 word = 0;

		if (from + i * 8 < end)
			word = *(fabric_u64 *)(from + i * 8);
		FABRIC_HOLD(word);
		to[i] = word;
	}
}

#endif /* FABRIC_SWITCH_BPF_H */
