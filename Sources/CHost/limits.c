// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_isolation.h"

#include <errno.h>
#include <sys/resource.h>

static int limit(int resource, uint64_t value)
{
	struct rlimit now, wanted = { .rlim_cur = value, .rlim_max = value };

	if (getrlimit(resource, &now) < 0)
		return -errno;
	// Nobody's limit gets higher here.
	if (now.rlim_max < wanted.rlim_max)
		wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
	return setrlimit(resource, &wanted) < 0 ? -errno : 0;
}

int medulla_limit(const struct medulla_isolation *isolation)
{
	const struct {
		int resource;
		uint64_t value;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_AS, isolation->memory_bytes },
		{ RLIMIT_NPROC, isolation->tasks },
		{ RLIMIT_NOFILE, isolation->open_files },
		{ RLIMIT_FSIZE, isolation->file_bytes },
	};

	for (int i = 0; i < (int)(sizeof(limits) / sizeof(limits[0])); i++) {
		int result = limit(limits[i].resource, limits[i].value);

		if (result)
			return result;
	}
	return 0;
}
