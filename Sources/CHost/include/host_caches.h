// SPDX-License-Identifier: Apache-2.0
// What cold measurements need and Swift cannot call or would optimize away.
#ifndef MEDULLA_CACHES_H
#define MEDULLA_CACHES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Keeps the calling thread on the processor that it runs on now. 0 or a negative errno.
int medulla_stay_on_processor(void);

// The processor's own counter, which goes on at one rate; 0: this processor has none that is known here.
uint64_t medulla_processor_counter(void);

// Keeps a thread, 0 for the calling one, on a processor. 0 or a negative errno.
int medulla_keep_on_processor(pid_t thread, int processor);

// Memory of `bytes` bytes in the largest pages that there are, each written once; NULL with errno.
void *medulla_take_memory(size_t bytes);

void medulla_give_memory(void *memory, size_t bytes);

// Reads the first word of every cache line, in order. The sum is of no use; it keeps the loads.
uint64_t medulla_read_lines(const void *memory, size_t bytes, size_t line);

#endif
