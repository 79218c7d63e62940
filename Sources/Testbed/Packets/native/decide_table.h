/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* A bounded table of flows by open addressing, for one thread: as many flows as the kernel's has. */
#ifndef MEDULLA_DECIDE_TABLE_H
#define MEDULLA_DECIDE_TABLE_H

#define TABLE_FLOWS 16384
#define TABLE_PLACES (2 * TABLE_FLOWS) /* a power of two; half of them stay free, so that each search ends */

struct entry {
	struct medulla_flow_key key;
	struct flow_state state;
	uint64_t row; /* plus one; 0: not decided yet */
	uint64_t packets;
};

struct table {
	uint32_t count;
	uint32_t places[TABLE_PLACES]; /* of entries, plus one */
	struct entry spare;	       /* for a flow that is not kept */
	struct entry entries[TABLE_FLOWS];
};

static inline struct table *table_make(void)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table) {
		fprintf(stderr, "decide: too little memory\n");
		exit(1);
	}
	return table;
}

static inline void table_clear(struct table *table)
{
	memset(table, 0, offsetof(struct table, spare));
}

static inline uint32_t table_place(const struct medulla_flow_key *key)
{
	uint64_t words[5], mixed = 0;

	_Static_assert(sizeof(*key) == sizeof(words), "all of the key");
	memcpy(words, key, sizeof(words));
	for (int i = 0; i < 5; i++)
		mixed = (mixed ^ words[i]) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(mixed >> 32) % TABLE_PLACES;
}

/* The key's flow; a new one when there is room, else the spare one, empty. */
static inline struct entry *table_flow(struct table *table, const struct medulla_flow_key *key)
{
	uint32_t place = table_place(key);
	struct entry *entry;

	for (; table->places[place]; place = (place + 1) % TABLE_PLACES) {
		entry = &table->entries[table->places[place] - 1];
		if (!memcmp(&entry->key, key, sizeof(*key)))
			return entry;
	}
	entry = table->count < TABLE_FLOWS ? &table->entries[table->count] : &table->spare;
	memset(entry, 0, sizeof(*entry));
	entry->key = *key;
	if (table->count < TABLE_FLOWS)
		table->places[place] = ++table->count;
	return entry;
}

#endif /* MEDULLA_DECIDE_TABLE_H */
