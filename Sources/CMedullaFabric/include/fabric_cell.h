/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * The header of a cell: what travels between the switches of a fabric. One source for the kernel's programs
 * and for user space; docs/reference/fabric-header.md has the bytes.
 */
#ifndef MEDULLA_FABRIC_CELL_H
#define MEDULLA_FABRIC_CELL_H

#include <linux/types.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define FABRIC_ETHERTYPE 0x88b5 /* IEEE 802's local experimental one */
#define FABRIC_VERSION 1
#define FABRIC_LINK_BYTES 14
#define FABRIC_HEADER_BYTES 48 /* with the link's */
#define FABRIC_CELL_LIMIT 1514 /* bytes of a frame */
#define FABRIC_CHUNK_LIMIT 1024 /* cells of one layer's inputs */
#define FABRIC_HOP_LIMIT 64

/* cell.type */
enum fabric_type {
	FABRIC_DATA = 1,   /* inputs of a layer */
	FABRIC_ANSWER = 2, /* outputs of the last layer, to the client */
	FABRIC_MISSING = 3, /* asks for cells again: a bit for each chunk that has come */
	FABRIC_REFUSAL = 4, /* there is no such model, or not in this epoch */
	FABRIC_TYPES,
};

struct fabric_cell {
	__u64 time;	  /* the client's own, which answers carry back */
	__u32 inference;  /* of the client's */
	__u16 model;
	__u16 epoch;	  /* of the model: all cells of an inference have one */
	__u16 label;	  /* the layer whose inputs these are, from 0 */
	__u16 client;
	__u16 chunk;	  /* of the layer's inputs, from 0 */
	__u16 chunks;
	__u16 length;	  /* bytes of payload that mean something; zeros follow */
	__u16 checksum;	  /* 0: none is given */
	__u16 pass;	  /* how often it has gone round in its switch; 0 between switches */
	__u8 type;
	__u8 attempt;	  /* from 0; another one is another try of the client's */
	__u8 hops;	  /* that it may still take */
};

/* Why a frame is no cell. */
#define FABRIC_OTHER -1	  /* of another protocol */
#define FABRIC_SHORT -2	  /* cut in its header, or before its payload's end */
#define FABRIC_FOREIGN -3 /* of another version */
#define FABRIC_WRONG -4	  /* a field that cannot be */

/* Headers lie at even addresses in the kernel, which reads what is known to in one piece. */
static __always_inline __u16 fabric_word(const __u8 *at)
{
	return (__u16)(at[0] << 8 | at[1]);
}

static __always_inline __u32 fabric_long(const __u8 *at)
{
	return (__u32)fabric_word(at) << 16 | fabric_word(at + 2);
}

/* Reads the header of a frame of which the first FABRIC_HEADER_BYTES are there; 0, or why it is no cell. */
static __always_inline int fabric_parse(const __u8 *frame, __u32 bytes, struct fabric_cell *cell)
{
	if (fabric_word(frame + 12) != FABRIC_ETHERTYPE)
		return FABRIC_OTHER;
	if (frame[14] >> 4 != FABRIC_VERSION)
		return FABRIC_FOREIGN;
	cell->type = frame[14] & 0x0f;
	cell->hops = frame[15];
	cell->model = fabric_word(frame + 16);
	cell->epoch = fabric_word(frame + 18);
	cell->label = fabric_word(frame + 20);
	cell->client = fabric_word(frame + 22);
	cell->inference = fabric_long(frame + 24);
	cell->chunk = fabric_word(frame + 28);
	cell->chunks = fabric_word(frame + 30);
	cell->length = fabric_word(frame + 32);
	cell->attempt = frame[34];
	cell->checksum = fabric_word(frame + 36);
	cell->pass = fabric_word(frame + 38);
	cell->time = (__u64)fabric_long(frame + 40) << 32 | fabric_long(frame + 44);
	if (cell->type < FABRIC_DATA || cell->type >= FABRIC_TYPES || cell->hops > FABRIC_HOP_LIMIT)
		return FABRIC_WRONG;
	if (frame[35] || (cell->pass && cell->type != FABRIC_DATA))
		return FABRIC_WRONG;
	if (cell->chunk >= cell->chunks || cell->chunks > FABRIC_CHUNK_LIMIT)
		return FABRIC_WRONG;
	return cell->length <= bytes - FABRIC_HEADER_BYTES ? 0 : FABRIC_SHORT;
}

/* Writes all behind the link header's addresses, with the link's type. */
static __always_inline void fabric_write(__u8 *frame, const struct fabric_cell *cell)
{
	const __u16 words[] = {
		FABRIC_ETHERTYPE,
		(__u16)((FABRIC_VERSION << 4 | cell->type) << 8 | cell->hops),
		cell->model,
		cell->epoch,
		cell->label,
		cell->client,
		(__u16)(cell->inference >> 16),
		(__u16)cell->inference,
		cell->chunk,
		cell->chunks,
		cell->length,
		(__u16)(cell->attempt << 8),
		cell->checksum,
		cell->pass,
		(__u16)(cell->time >> 48),
		(__u16)(cell->time >> 32),
		(__u16)(cell->time >> 16),
		(__u16)cell->time,
	};

#pragma clang loop unroll(full)
	for (int i = 0; i < 18; i++) {
		frame[12 + 2 * i] = (__u8)(words[i] >> 8);
		frame[13 + 2 * i] = (__u8)words[i];
	}
}

/*
 * The checksum of a frame (RFC 1071) from its version on to the end of its payload, as if the checksum's own
 * field were 0; never 0, which says that there is none.
 */
__u16 fabric_checksum(const __u8 *frame, __u32 bytes);

#endif /* MEDULLA_FABRIC_CELL_H */
