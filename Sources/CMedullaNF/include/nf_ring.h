/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings of descriptors in shared memory, with one producer and one consumer, which may not trust each other.
 *
 * Who writes: the producer `produced` and the entries, the consumer `consumed` and `waits`. Order: entries
 * before `produced` (release), which the consumer loads before it reads them (acquire); reading before
 * `consumed` (release), which the producer loads before it writes again (acquire). A crash between two steps
 * leaves entries that are not counted: they were never given. Both sides keep their own index in private
 * memory, so that a peer that writes nonsense spoils only what it gives and what it takes: an index that is
 * further than the ring is long is reported, never followed.
 */
#ifndef MEDULLA_NF_RING_H
#define MEDULLA_NF_RING_H

#include <stddef.h>
#include <stdint.h>

/*
 * A frame and what becomes of it: its first byte's place in packet memory (40 bits), its bytes (16 bits) and
 * a verdict (8 bits).
 */
typedef uint64_t nf_descriptor;

#define NF_PLACE_BITS 40
#define NF_LENGTH_BITS 16
#define NF_VERDICT_SHIFT (NF_PLACE_BITS + NF_LENGTH_BITS)

/* Verdicts of a function. From NF_BRANCH on they are its branches, in the order of the chain's file. */
#define NF_RELEASE 0 /* the frame is done with */
#define NF_NEXT 1    /* on to what follows in the chain */
#define NF_BRANCH 2
#define NF_BRANCHES 8

static inline nf_descriptor nf_describe(uint64_t place, uint32_t length, uint32_t verdict)
{
	return (place & ((1ULL << NF_PLACE_BITS) - 1)) | (uint64_t)(length & 0xffff) << NF_PLACE_BITS |
	       (uint64_t)(verdict & 0xff) << NF_VERDICT_SHIFT;
}

static inline uint64_t nf_place(nf_descriptor descriptor)
{
	return descriptor & ((1ULL << NF_PLACE_BITS) - 1);
}

static inline uint32_t nf_length(nf_descriptor descriptor)
{
	return (uint32_t)(descriptor >> NF_PLACE_BITS) & 0xffff;
}

static inline uint32_t nf_verdict(nf_descriptor descriptor)
{
	return (uint32_t)(descriptor >> NF_VERDICT_SHIFT);
}

/* In shared memory; each writer has a line of its own. The entries follow. */
struct nf_ring {
	uint32_t produced __attribute__((aligned(64)));
	uint32_t consumed __attribute__((aligned(64)));
	uint32_t waits; /* the consumer sleeps until it is woken */
	nf_descriptor entries[] __attribute__((aligned(64)));
};

/* The words by their places, for who cannot read the struct. */
enum { NF_PRODUCED_WORD = 0, NF_CONSUMED_WORD = 16, NF_WAITS_WORD = 17 };

#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
_Static_assert(offsetof(struct nf_ring, produced) == 4 * NF_PRODUCED_WORD, "ring layout");
_Static_assert(offsetof(struct nf_ring, consumed) == 4 * NF_CONSUMED_WORD, "ring layout");
_Static_assert(offsetof(struct nf_ring, waits) == 4 * NF_WAITS_WORD, "ring layout");
#endif

/* In private memory of the producer. */
struct nf_producer {
	struct nf_ring *ring;
	uint32_t mask;
	uint32_t next;
	uint32_t consumed; /* as last seen */
	uint32_t is_broken; /* the consumer's index is nonsense */
};

/* In private memory of the consumer. */
struct nf_consumer {
	struct nf_ring *ring;
	uint32_t mask;
	uint32_t next;
	uint32_t produced;
	uint32_t is_broken;
};

/* Ends of a ring in memory that is all zero. Entries: a power of two. */
static inline struct nf_producer nf_make_producer(void *ring, uint32_t entries)
{
	return (struct nf_producer){ .ring = (struct nf_ring *)ring, .mask = entries - 1 };
}

static inline struct nf_consumer nf_make_consumer(void *ring, uint32_t entries)
{
	return (struct nf_consumer){ .ring = (struct nf_ring *)ring, .mask = entries - 1 };
}

static inline uint64_t nf_ring_bytes(uint32_t entries)
{
	return sizeof(struct nf_ring) + (uint64_t)entries * sizeof(nf_descriptor);
}

/* Room, at most `wanted`; looks at the consumer's index only where the last look does not suffice. */
static inline uint32_t nf_room(struct nf_producer *producer, uint32_t wanted)
{
	uint32_t used = producer->next - producer->consumed;

	if (producer->mask + 1 - used < wanted) {
		uint32_t seen = __atomic_load_n(&producer->ring->consumed, __ATOMIC_ACQUIRE);

		if (producer->next - seen > producer->mask + 1) {
			producer->is_broken = 1;
			return 0;
		}
		producer->consumed = seen;
		used = producer->next - seen;
	}
	return producer->mask + 1 - used < wanted ? producer->mask + 1 - used : wanted;
}

/* Gives up to `count` descriptors; how many found room. */
static inline uint32_t nf_produce(struct nf_producer *producer, const nf_descriptor *descriptors,
				  uint32_t count)
{
	uint32_t room = nf_room(producer, count);

	for (uint32_t i = 0; i < room; i++)
		producer->ring->entries[(producer->next + i) & producer->mask] = descriptors[i];
	producer->next += room;
	if (room)
		__atomic_store_n(&producer->ring->produced, producer->next, __ATOMIC_RELEASE);
	return room;
}

/* Takes up to `count` descriptors; how many there were. */
static inline uint32_t nf_consume(struct nf_consumer *consumer, nf_descriptor *descriptors, uint32_t count)
{
	uint32_t there = consumer->produced - consumer->next;

	if (there < count) {
		uint32_t seen = __atomic_load_n(&consumer->ring->produced, __ATOMIC_ACQUIRE);

		if (seen - consumer->next > consumer->mask + 1) {
			consumer->is_broken = 1;
			return 0;
		}
		consumer->produced = seen;
		there = seen - consumer->next;
	}
	if (there > count)
		there = count;
	for (uint32_t i = 0; i < there; i++)
		descriptors[i] = consumer->ring->entries[(consumer->next + i) & consumer->mask];
	consumer->next += there;
	if (there)
		__atomic_store_n(&consumer->ring->consumed, consumer->next, __ATOMIC_RELEASE);
	return there;
}

/*
 * The consumer is about to sleep: nonzero when it may, zero when something came meanwhile. The store of
 * `waits` and the load of `produced` must not change places, and neither may the producer's store of
 * `produced` and load of `waits`.
 */
static inline int nf_may_sleep(struct nf_consumer *consumer)
{
	__atomic_store_n(&consumer->ring->waits, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&consumer->ring->produced, __ATOMIC_SEQ_CST) == consumer->next)
		return 1;
	__atomic_store_n(&consumer->ring->waits, 0, __ATOMIC_RELAXED);
	return 0;
}

static inline void nf_has_woken(struct nf_consumer *consumer)
{
	__atomic_store_n(&consumer->ring->waits, 0, __ATOMIC_RELAXED);
}

/* The producer has given something: nonzero when the consumer must be woken, which is then said once. */
static inline int nf_must_wake(struct nf_producer *producer)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&producer->ring->waits, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(&producer->ring->waits, 0, __ATOMIC_RELAXED);
}

/* The words of AF_XDP's rings, by the same order. */
static inline uint32_t nf_load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void nf_store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline void nf_prefetch(const void *address)
{
	__builtin_prefetch(address);
}

static inline void nf_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif /* MEDULLA_NF_RING_H */
