// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_privileges.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEDULLA_MAX_GROUPS 64

static int get_capabilities(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}

static int set_capabilities(const struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

// Threads of the process, or a negative errno.
static int thread_count(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	if (!tasks)
		return -errno;
	while ((entry = readdir(tasks)))
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

static int check_single_thread(void)
{
	int threads = thread_count();

	if (threads < 0)
		return threads;
	return threads == 1 ? 0 : -EBUSY;
}

// Takes all but `keep` out of the bounding set, where the process may.
static void bound_capabilities(uint64_t keep)
{
	for (int capability = 0; capability < 64; capability++)
		if (!(keep & (1ULL << capability)) && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
			prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

static int reduce_capabilities(uint64_t keep)
{
	struct __user_cap_data_struct data[2];
	int result = get_capabilities(data);

	if (result)
		return result;
	for (int half = 0; half < 2; half++) {
		data[half].permitted &= (uint32_t)(keep >> (32 * half));
		data[half].effective = data[half].permitted;
		data[half].inheritable = 0;
	}
	return set_capabilities(data);
}

int medulla_keep_capabilities(uint64_t keep)
{
	int result = check_single_thread();

	if (result)
		return result;
	bound_capabilities(keep);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
		return -errno;
	return reduce_capabilities(keep);
}

int medulla_become(uint32_t user, uint32_t group, const uint32_t *groups, int group_count, uint64_t keep)
{
	gid_t list[MEDULLA_MAX_GROUPS];
	int result = check_single_thread();

	if (result)
		return result;
	if (group_count < 0 || group_count > MEDULLA_MAX_GROUPS)
		return -EINVAL;
	for (int i = 0; i < group_count; i++)
		list[i] = groups[i];
	bound_capabilities(keep);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return -errno;
	if (setgroups(group_count, list) || setresgid(group, group, group) || setresuid(user, user, user))
		return -errno;
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return reduce_capabilities(keep);
}

int medulla_effective_capabilities(uint64_t *bits)
{
	struct __user_cap_data_struct data[2];
	int result = get_capabilities(data);

	if (result)
		return result;
	*bits = data[0].effective | ((uint64_t)data[1].effective << 32);
	return 0;
}

int medulla_no_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}
