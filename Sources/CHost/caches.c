// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_caches.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

int medulla_stay_on_processor(void)
{
	cpu_set_t processors;
	int processor = sched_getcpu();

	if (processor < 0)
		return -errno;
	CPU_ZERO(&processors);
	CPU_SET(processor, &processors);
	return sched_setaffinity(0, sizeof(processors), &processors) ? -errno : 0;
}

int medulla_keep_on_processor(pid_t thread, int processor)
{
	cpu_set_t processors;

	if (processor < 0 || processor >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&processors);
	CPU_SET(processor, &processors);
	return sched_setaffinity(thread, sizeof(processors), &processors) ? -errno : 0;
}

void *medulla_take_memory(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	// Smaller pages only make the walk slower.
	madvise(memory, bytes, MADV_HUGEPAGE);
	// Pages that nobody wrote are all the same one.
	memset(memory, 1, bytes);
	return memory;
}

void medulla_give_memory(void *memory, size_t bytes)
{
	munmap(memory, bytes);
}

uint64_t medulla_read_lines(const void *memory, size_t bytes, size_t line)
{
	uint64_t sum = 0;

	for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += line)
		sum += *(const volatile uint64_t *)((const char *)memory + at);
	return sum;
}

uint64_t medulla_processor_counter(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t count;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
	return count;
#else
	return 0;
#endif
}
