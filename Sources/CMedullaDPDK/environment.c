// SPDX-License-Identifier: Apache-2.0
// DPDK's environment: started once, with a log that is kept instead of printed.
#define _GNU_SOURCE
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_BYTES 8192

static struct {
	pthread_mutex_t lock;
	FILE *stream;
	char text[LOG_BYTES];
	uint32_t used;
} log_ = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int is_started;

// Keeps what is said last.
static ssize_t keep(void *unused, const char *bytes, size_t count)
{
	const size_t all = count;

	(void)unused;
	if (count > LOG_BYTES) {
		bytes += count - LOG_BYTES;
		count = LOG_BYTES;
	}
	pthread_mutex_lock(&log_.lock);
	if (log_.used + count > LOG_BYTES) {
		const uint32_t over = log_.used + (uint32_t)count - LOG_BYTES;

		memmove(log_.text, log_.text + over, log_.used - over);
		log_.used -= over;
	}
	memcpy(log_.text + log_.used, bytes, count);
	log_.used += (uint32_t)count;
	pthread_mutex_unlock(&log_.lock);
	return (ssize_t)all;
}

uint32_t dpdk_take_log(char *text, uint32_t bytes)
{
	uint32_t count, skipped;

	if (!bytes)
		return 0;
	if (log_.stream)
		fflush(log_.stream);
	pthread_mutex_lock(&log_.lock);
	count = log_.used < bytes - 1 ? log_.used : bytes - 1;
	skipped = log_.used - count;
	memcpy(text, log_.text + skipped, count);
	text[count] = 0;
	log_.used = 0;
	pthread_mutex_unlock(&log_.lock);
	return count;
}

int dpdk_error(void)
{
	// Some numbers are DPDK's own, beyond those of the system.
	return rte_errno > 0 && rte_errno < 134 ? -rte_errno : -EIO;
}

int dpdk_start(int count, char **arguments)
{
	const cookie_io_functions_t calls = { .write = keep };
	cpu_set_t allowed;
	int error = 0;

	if (is_started)
		return -EALREADY;
	if (!log_.stream)
		log_.stream = fopencookie(NULL, "w", calls);
	if (!log_.stream)
		return -ENOMEM;
	rte_openlog_stream(log_.stream);
	CPU_ZERO(&allowed);
	pthread_getaffinity_np(pthread_self(), sizeof(allowed), &allowed);
	if (rte_eal_init(count, arguments) < 0)
		error = dpdk_error();
	else
		is_started = 1;
	// Nothing is in its folder, which it would leave behind.
	if (is_started)
		rmdir(rte_eal_get_runtime_dir());
	// It ties the thread to one processor, where others of the process may be.
	pthread_setaffinity_np(pthread_self(), sizeof(allowed), &allowed);
	return error;
}
