/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network functions in C, and in whatever calls C. A function attaches, asks for frames in batches, reads
 * their bytes where they were received, and returns each frame once, with a verdict:
 *
 *	struct medulla_nf *nf;
 *	struct medulla_nf_frame frames[64];
 *	int error = medulla_nf_attach(NULL, NULL, &nf);
 *	while (!error) {
 *		int count = medulla_nf_receive(nf, frames, 64, 1000000000);
 *		if (count < 0) break;
 *		for (int i = 0; i < count; i++)
 *			medulla_nf_return(nf, frames[i].place, frames[i].length, NF_NEXT);
 *		medulla_nf_flush(nf);
 *	}
 *
 * One thread at a time. Every function returns 0 or a count, or a negative errno.
 */
#ifndef MEDULLA_NF_H
#define MEDULLA_NF_H

#include "nf_intf.h"
#include "nf_ring.h"
#include "nf_welcome.h"

#include <stdint.h>

struct medulla_nf;

struct medulla_nf_frame {
	const uint8_t *bytes; /* from the link header on; written only where the chain's file says so */
	uint64_t place;	      /* of the first byte in packet memory */
	uint32_t length;
	uint32_t rule;	      /* of the demultiplexer */
	uint64_t nanoseconds; /* CLOCK_MONOTONIC of when it was received; 0: not taken */
};

/*
 * Attaches to a chain: at a path of its host as the function of that name, or, both NULL, by the socket that
 * the host has started this process with (MEDULLA_NF_FD). -EPROTO: the other side is no host of this version.
 */
int medulla_nf_attach(const char *path, const char *function, struct medulla_nf **nf);

/* The same by a socket that is connected to the host, and is this function's from now on. */
int medulla_nf_attach_channel(int channel, struct medulla_nf **nf);

/* What the host said, and the JSON of the function's parameters, which ends with a zero byte. */
const struct nf_welcome *medulla_nf_welcome(const struct medulla_nf *nf);
const char *medulla_nf_parameters(const struct medulla_nf *nf);

/* Packet memory, all of it. */
const uint8_t *medulla_nf_memory(const struct medulla_nf *nf, uint64_t *bytes);

/* The same for writing; NULL: it may not be written. */
uint8_t *medulla_nf_writable_memory(struct medulla_nf *nf);

/*
 * Takes up to `most` frames, and waits for the first at most so many nanoseconds (negative: without end), by
 * the chain's mode. 0: none came. -EPIPE: the host has gone or ended the function. Then what is held is lost
 * (`medulla_nf_held`): detach, and attach again once the host is back, for as long as it pays.
 */
int medulla_nf_receive(struct medulla_nf *nf, struct medulla_nf_frame *frames, int most,
		       int64_t nanoseconds);

/*
 * Returns a frame; the host hears of it at `flush`, or when some have gathered. Its place and length may have
 * been changed within its frame. -EOVERFLOW: more was returned than was received.
 */
int medulla_nf_return(struct medulla_nf *nf, uint64_t place, uint32_t length, uint32_t verdict);
int medulla_nf_flush(struct medulla_nf *nf);

/* The same for many, with a verdict for each. */
int medulla_nf_return_batch(struct medulla_nf *nf, const struct medulla_nf_frame *frames, int count,
			    const uint8_t *verdicts);

/* Frames that were received and not returned. */
uint64_t medulla_nf_held(const struct medulla_nf *nf);

/* Publishes a count; -ENOSPC: there are NF_COUNTERS already. */
int medulla_nf_count(struct medulla_nf *nf, const char *name, uint64_t value);

/*
 * Ends the attachment, as the host's end does: its sockets are closed, so that another host can have the
 * interface. Memory stays mapped until `detach`.
 */
void medulla_nf_end(struct medulla_nf *nf);

/* Ends it and unmaps all. Gives back nothing: the host takes what is held. */
void medulla_nf_detach(struct medulla_nf *nf);

#endif /* MEDULLA_NF_H */
