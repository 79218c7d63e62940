/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a network function gets what it works with: one message over a SOCK_SEQPACKET socket, with
 * descriptors (SCM_RIGHTS). After it either side wakes the other by a message of one byte, and the end of the
 * socket means that the other side has gone. An eventfd would not do: who has one can drain it and make it
 * block, and so stop the other side.
 */
#ifndef MEDULLA_NF_WELCOME_H
#define MEDULLA_NF_WELCOME_H

#include <stdint.h>

#define NF_WELCOME_MAGIC 0x4d4e4657u /* "MNFW" */
#define NF_HELLO_MAGIC 0x4d4e4648u   /* "MNFH" */
#define NF_ACCEPT_MAGIC 0x4d4e4641u  /* "MNFA" */
#define NF_WELCOME_VERSION 1
#define NF_NAME_BYTES 32
#define NF_PARAMETER_BYTES 16384
#define NF_WELCOME_QUEUES 16
#define NF_RING_LIMIT (1u << 21) /* entries */

/* nf_welcome.flags */
#define NF_WRITABLE 1u	  /* packet memory may be mapped for writing */
#define NF_OWNS_RECEIVE 2u /* frames come by receive rings of its own, else by `in` */
#define NF_KNOWS_TIME 4u  /* stamps have times */

/* nf_welcome.mode */
#define NF_SPIN 0
#define NF_YIELD 1
#define NF_SLEEP 2

/* Descriptors in this order: packet memory, rings, and then the receive sockets. */
#define NF_MEMORY_DESCRIPTOR 0
#define NF_RINGS_DESCRIPTOR 1
#define NF_FIXED_DESCRIPTORS 2

/* From a function that comes by the host's path: who it is. One that the host has started says nothing. */
struct nf_hello {
	uint32_t magic;
	uint32_t version;
	char function[NF_NAME_BYTES];
};

struct nf_welcome {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t mode;
	uint64_t memory_bytes;
	uint64_t rings_bytes;
	uint32_t frame_bytes;
	uint32_t frames;
	uint32_t ring_entries; /* of `in` and of `out` */
	uint32_t receive_entries;
	uint32_t queues; /* receive sockets */
	uint32_t quota;
	uint32_t branches;
	uint32_t stamp_offset; /* of nf_stamp, from a frame's start in memory */
	uint32_t reserved;
	uint32_t parameter_bytes; /* of JSON, which follows this */
	char chain[NF_NAME_BYTES];
	char function[NF_NAME_BYTES];
	char branch[8][NF_NAME_BYTES]; /* what they lead to */
};

/*
 * Whether a function can work by this: 0, or -EPROTO. `size`: of the whole message, with its parameters;
 * `descriptors`: how many came with it.
 */
int nf_check_welcome(const struct nf_welcome *welcome, uint64_t size, int descriptors);

/* From the function, when it can begin. */
struct nf_accept {
	uint32_t magic;
	uint32_t version;
	int64_t process;
};

#define NF_COUNTERS 32

/* A count that a function publishes, shown by `medulla nf stats`. */
struct nf_counter {
	char name[24];
	uint64_t value;
};

/* The memory of the rings: this page, then `in`, then `out`, each from a page's first byte. */
struct nf_area {
	uint64_t beats; /* batches that the function has asked for: it is alive */
	uint64_t reserved[7];
	struct nf_counter counters[NF_COUNTERS];
};

#define NF_AREA_BYTES 4096

/*
 * Wakes who sleeps at the other end, and never waits: a channel that is full of such messages wakes too.
 * `nf_take_wakes` takes what has come: 1, or 0 where the other side has gone or says what it must not.
 */
void nf_wake(int channel);
int nf_take_wakes(int channel);

#endif /* MEDULLA_NF_WELCOME_H */
