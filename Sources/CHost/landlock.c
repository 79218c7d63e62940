// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// As in the kernel's uapi/linux/landlock.h: distributions' headers are older than kernels, and what a kernel
// does not know is left out by its version.
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define CREATE_VERSION 1U
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_REMOVE_DIR (1ULL << 4)
#define FS_REMOVE_FILE (1ULL << 5)
#define FS_MAKE_DIR (1ULL << 7)
#define FS_MAKE_REG (1ULL << 8)
#define FS_MAKE_FIFO (1ULL << 10)
#define FS_MAKE_SYM (1ULL << 12)
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define FS_FIRST_VERSION ((1ULL << 13) - 1)
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define NET_TCP 3ULL
#define SCOPES 3ULL

#define READING (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)
#define CHANGING                                                                                           \
	(FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |       \
	 FS_MAKE_REG | FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER | FS_TRUNCATE)

struct ruleset {
	uint64_t files;
	uint64_t network;
	uint64_t scopes;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

// What programs and their libraries ask about the machine and about themselves.
static const char *const facts[] = {
	"/dev/zero",
	"/dev/random",
	"/dev/urandom",
	"/proc/self",
	"/proc/cpuinfo",
	"/proc/meminfo",
	"/proc/stat",
	"/proc/filesystems",
	"/proc/sys/vm/overcommit_memory",
	"/sys/devices/system/cpu",
	"/sys/devices/system/node",
};

int medulla_landlock_version(void)
{
	long version = syscall(CREATE_RULESET, NULL, 0, CREATE_VERSION);

	return version < 0 ? 0 : (int)version;
}

static struct ruleset handled_by(int version)
{
	struct ruleset ruleset = { .files = FS_FIRST_VERSION };

	if (version >= 2)
		ruleset.files |= FS_REFER;
	if (version >= 3)
		ruleset.files |= FS_TRUNCATE;
	if (version >= 4)
		ruleset.network = NET_TCP;
	if (version >= 5)
		ruleset.files |= FS_IOCTL_DEV;
	if (version >= 6)
		ruleset.scopes = SCOPES;
	return ruleset;
}

static int allow(int rules, int descriptor, uint64_t rights)
{
	struct path_rule rule = { .allowed = rights, .parent = descriptor };
	struct stat what;

	if (fstat(descriptor, &what) < 0)
		return -errno;
	// Rights over entries make no sense for a file, and are an error there.
	if (!S_ISDIR(what.st_mode))
		rule.allowed &= FS_OF_FILES;
	return syscall(ADD_RULE, rules, RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

// What is not there, or not open to this user in the first place, needs no rule.
static int allow_path(int rules, const char *path, uint64_t rights)
{
	int descriptor = open(path, O_PATH | O_CLOEXEC);
	int result;

	if (descriptor < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -errno;
	result = allow(rules, descriptor, rights);
	close(descriptor);
	return result;
}

static int allow_readable(int rules, const char *path)
{
	size_t length = strlen(path);

	return allow_path(rules, path, length > 1 && path[length - 1] == '/' ? FS_READ_DIR : READING);
}

static int allow_all(int rules, const struct medulla_isolation *isolation, int state, uint64_t handled)
{
	int result = allow_path(rules, "/dev/null", (FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE) & handled);

	for (char *const *path = isolation->readable; path && *path && !result; path++)
		result = allow_readable(rules, *path);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]) && !result; i++)
		result = allow_path(rules, facts[i], FS_READ_FILE | FS_READ_DIR);
	if (!result && state >= 0)
		result = allow(rules, state, CHANGING & handled);
	return result;
}

int medulla_confine_files(const struct medulla_isolation *isolation, int state)
{
	int version = medulla_landlock_version();
	struct ruleset ruleset = handled_by(version);
	int rules, result;

	if (!version)
		return -ENOSYS;
	rules = (int)syscall(CREATE_RULESET, &ruleset, sizeof(ruleset), 0);
	if (rules < 0)
		return -errno;
	result = allow_all(rules, isolation, state, ruleset.files);
	if (!result && syscall(RESTRICT_SELF, rules, 0) < 0)
		result = -errno;
	close(rules);
	return result;
}
