/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of what Swift cannot call: sealed memory and messages with descriptors. */
#ifndef MEDULLA_NF_HOST_H
#define MEDULLA_NF_HOST_H

#include "nf_intf.h"
#include "nf_ring.h"
#include "nf_welcome.h"

#include <stdint.h>

/*
 * Shared memory of a fixed size that only its owner's user may open again. `huge`: of huge pages. Returns the
 * descriptor, or a negative errno; -ENOMEM with `huge`: no huge pages are free.
 */
int nf_make_memory(const char *name, uint64_t bytes, int huge);

/* From now on nobody maps it for writing who has not; mappings that there are stay. */
int nf_seal_writes(int memory);

/* The same memory by a descriptor that only reads. */
int nf_open_for_reading(int memory);

/* Sends a message with descriptors in one piece; 0 or a negative errno. */
int nf_send(int channel, const void *bytes, uint64_t size, const int *descriptors, int count);

/* Listens at a path (SOCK_SEQPACKET), also in the place of a host that was killed; it does not block. */
int nf_listen(const char *path, uint32_t mode);
int nf_accept_channel(int listener, uint32_t *user, int32_t *process);

/* A pair of ends for a function that is started: the first is the host's. */
int nf_make_channel(int ends[2]);

/* What another thread of the host wakes it by (eventfd); no function gets it. */
int nf_make_event(void);

/* Receive queues of an interface of this thread's namespace; 1 where its driver does not say. */
int nf_receive_queues(const char *interface);

/* The first processor that this thread may use. */
int nf_first_processor(void);

#define NF_NO_RULE 0xffffffffu
#define NF_CUT_FRAME 0xfffffffeu /* in its link header: no rule can match it */

/*
 * For each of some frames in memory the number of the first rule that matches it, as the kernel's program has
 * it, or one of the two above.
 */
void nf_choose_rules(const struct nf_rule *rules, uint32_t count, const uint8_t *memory,
		     const nf_descriptor *frames, uint32_t number, uint32_t *chosen);

#endif /* MEDULLA_NF_HOST_H */
