// SPDX-License-Identifier: Apache-2.0
// What runs on the accelerator. kernels.ptx is made from this file by scripts/accelerator-kernels.sh, and is what the
// product carries; both are committed, so that no build needs a compiler for NVPTX.
//
// Compiled for the host, by a test, the same lines run with one lane and one thread to a block.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#ifdef __NVPTX__
#define KERNEL extern "C" __attribute__((global)) void
#define INLINE static __attribute__((device)) __attribute__((always_inline)) inline
#define LANES 32u
#define ALL_LANES 0xffffffffu
INLINE u32 thread_index() { return __nvvm_read_ptx_sreg_tid_x(); }
INLINE u32 thread_count() { return __nvvm_read_ptx_sreg_ntid_x(); }
INLINE u32 block_index() { return __nvvm_read_ptx_sreg_ctaid_x(); }
INLINE u32 block_count() { return __nvvm_read_ptx_sreg_nctaid_x(); }
// Every thread of the block arrives; what they wrote before is there after.
INLINE void block_barrier() { __syncthreads(); }
// The same for the lanes of a warp.
INLINE void warp_barrier() { __nvvm_bar_warp_sync(ALL_LANES); }
// What was written before is seen by the whole system, the host included, before what is written after.
INLINE void system_fence() { __nvvm_membar_sys(); }
// The value of the warp's first lane.
INLINE u32 from_first_lane(u32 value) {
	return (u32)__nvvm_shfl_sync_idx_i32(ALL_LANES, (int)value, 0, 31);
}
#else
#define KERNEL extern "C" void
#define INLINE static inline
#define LANES 1u
INLINE u32 thread_index() { return 0; }
INLINE u32 thread_count() { return 1; }
extern "C" u32 block_index();
extern "C" u32 block_count();
INLINE void block_barrier() {}
INLINE void warp_barrier() {}
INLINE void system_fence() { __sync_synchronize(); }
INLINE u32 from_first_lane(u32 value) { return value; }
#endif

#define LOOP _Pragma("clang loop unroll(disable) vectorize(disable)")

typedef u32 quad __attribute__((ext_vector_type(4)));

// A piece of an object: device-visible addresses of both ends.
struct piece {
	u64 source;
	u64 destination;
	u32 length;
	u32 reserved;
};

// One warp moves one piece. Where both ends have the same place within 16 bytes, all but its edges moves in
// words of 16 bytes: one line of the bus for each eight lanes.
INLINE void move(const piece &piece, u32 lane)
{
	u64 source = piece.source, destination = piece.destination;
	u32 length = piece.length, head = length, quads = 0;

	if (((source ^ destination) & 15) == 0) {
		head = (u32)(16 - (source & 15)) & 15;
		head = head < length ? head : length;
		quads = (length - head) / 16;
	}
	const u8 *from = (const u8 *)source;
	u8 *to = (u8 *)destination;
	LOOP for (u32 i = lane; i < head; i += LANES)
		to[i] = from[i];
	const quad *wide_from = (const quad *)(from + head);
	quad *wide_to = (quad *)(to + head);
	LOOP for (u32 i = lane; i < quads; i += LANES)
		wide_to[i] = wide_from[i];
	LOOP for (u32 i = head + quads * 16 + lane; i < length; i += LANES)
		to[i] = from[i];
}

// Pulls the pieces of a batch of packets.
KERNEL medulla_gather(const piece *pieces, u32 count)
{
	u32 lane = thread_index() & (LANES - 1);
	u32 warp = (block_index() * thread_count() + thread_index()) / LANES;
	u32 warps = block_count() * thread_count() / LANES;

	LOOP for (u32 i = warp; i < count; i += warps)
		move(pieces[i], lane);
}

// What host and kernel share of a ring of pieces; the host writes the first two, the kernel reads them.
struct ring_head {
	// Pieces published since the beginning, modulo 2^32.
	u32 published;
	// Not 0: the kernel ends.
	u32 stop;
	u32 reserved[14];
};

// Stays and pulls what is published. Warp w of W has the pieces w, w + W, w + 2W and so on, and writes to
// done[w] that its pieces below that count have arrived: no other warp writes there, and it starts there.
// It ends when it is told to, or after `polls` looks at the ring that found nothing in a row, so that a host
// that is gone does not hold the device. Only then may another one be started on the ring.
KERNEL medulla_gather_persistent(
	const volatile ring_head *ring, const piece *pieces, volatile u32 *done, u32 mask, u32 polls)
{
	u32 lane = thread_index() & (LANES - 1);
	u32 warp = (block_index() * thread_count() + thread_index()) / LANES;
	u32 warps = block_count() * thread_count() / LANES;
	u32 from = from_first_lane(done[warp * 16]), idle = 0;

	LOOP while (idle < polls) {
		u32 end = from_first_lane(ring->published);
		if (end == from) {
			if (from_first_lane(ring->stop))
				break;
			idle++;
			continue;
		}
		idle = 0;
		// No piece is read before the count that published it.
		system_fence();
		// The first of this warp's at or after `from`; counts wrap at 2^32, a multiple of W.
		u32 next = from + ((warp - from) & (warps - 1));
		LOOP for (; (i32)(end - next) > 0; next += warps)
			move(pieces[next & mask], lane);
		from = end;
		// No lane's bytes are behind the count that tells of them.
		system_fence();
		warp_barrier();
		if (lane == 0)
			done[warp * 16] = end;
	}
}

// 8-bit values to float32: value * scale + bias, each rounded by itself.
KERNEL medulla_bytes_to_float(const u8 *bytes, float *floats, u32 count, float scale, float bias)
{
	u32 step = block_count() * thread_count();

	LOOP for (u32 i = block_index() * thread_count() + thread_index(); i < count; i += step)
		floats[i] = (float)bytes[i] * scale + bias;
}

#include "integer_network.cuh"
