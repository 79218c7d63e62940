// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int medulla_open_entry(int directory, const char *name)
{
	int descriptor = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return descriptor < 0 ? -errno : descriptor;
}

int medulla_give_entry(int descriptor, int64_t user, int64_t group)
{
	return fchownat(descriptor, "", (uid_t)user, (gid_t)group, AT_EMPTY_PATH) ? -errno : 0;
}

static int give(int directory, const char *name, int64_t user, int64_t group, int depth);

static int give_contents(int descriptor, int64_t user, int64_t group, int depth)
{
	// The directory that was looked at, whatever its name leads to by now.
	int list = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = list < 0 ? NULL : fdopendir(list);
	struct dirent *entry;
	int result = 0;

	if (!entries) {
		result = -errno;
		if (list >= 0)
			close(list);
		return result;
	}
	while (!result && (entry = readdir(entries)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = give(dirfd(entries), entry->d_name, user, group, depth - 1);
	closedir(entries);
	return result;
}

static int give(int directory, const char *name, int64_t user, int64_t group, int depth)
{
	int descriptor = medulla_open_entry(directory, name);
	struct stat what;
	int result;

	if (descriptor < 0)
		return descriptor == -ENOENT ? 0 : descriptor;
	if (fstat(descriptor, &what))
		result = -errno;
	else if (S_ISREG(what.st_mode) && what.st_nlink > 1 && what.st_uid != (uid_t)user)
		result = -EMLINK;
	else
		result = medulla_give_entry(descriptor, user, group);
	if (!result && S_ISDIR(what.st_mode) && depth > 0)
		result = give_contents(descriptor, user, group, depth);
	close(descriptor);
	return result;
}

int medulla_give_tree(const char *path, int64_t user, int64_t group, int depth)
{
	return give(AT_FDCWD, path, user, group, depth);
}
