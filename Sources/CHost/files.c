// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int medulla_flush_output(void)
{
	errno = 0;
	if (fflush(stdout))
		return errno ? -errno : -EIO;
	return ferror(stdout) ? -EIO : 0;
}

int medulla_exchange(const char *one, const char *other)
{
	return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) ? -errno : 0;
}
