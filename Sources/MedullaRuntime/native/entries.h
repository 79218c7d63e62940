/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * What a shape's compiled inference shows to the process that loads it. `shape.h` comes before, and with it
 *
 *     struct entry_network, struct entry_memory, ENTRY_FIELDS(field), entry_rows()
 *
 * No state is kept here: networks and memories belong to the caller, so that threads and snapshots share the
 * code.
 */
#ifndef MEDULLA_ENTRIES_H
#define MEDULLA_ENTRIES_H

#include <time.h>

/* Where an array of a network lies. The compiler knows; nobody else has to. */
struct entry_field {
	size_t offset;
	size_t bytes;
};

#define ENTRY_FIELD(name) \
	{ offsetof(struct entry_network, name), sizeof(((struct entry_network *)0)->name) },

const struct entry_field entry_fields[] = { ENTRY_FIELDS(ENTRY_FIELD) };
const size_t entry_field_count = sizeof(entry_fields) / sizeof(entry_fields[0]);
const size_t entry_network_bytes = sizeof(struct entry_network);
const size_t entry_memory_bytes = sizeof(struct entry_memory);

void entry_run(const struct entry_network *network, struct entry_memory *memory, const int64_t *features,
	       int64_t *outputs, size_t rows)
{
	entry_rows(network, memory, features, outputs, rows);
}

/* Nanoseconds of `repeats` inferences of one row. The empty asm tells the compiler that memory changes
 * between two, so that it neither hoists nor drops one. */
long long entry_time(const struct entry_network *network, struct entry_memory *memory,
		     const int64_t *features, int64_t *outputs, long repeats)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (long i = 0; i < repeats; i++) {
		entry_rows(network, memory, features, outputs, 1);
		__asm__ volatile("" ::: "memory");
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - begin.tv_sec) * 1000000000LL + (end.tv_nsec - begin.tv_nsec);
}

#endif /* MEDULLA_ENTRIES_H */
