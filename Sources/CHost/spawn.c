// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The child's descriptors: 0 to 2 as usual, the channel, packets, the pipe that tells of a failed start, its
// state.
#define CHANNEL 3
#define PACKETS MEDULLA_PACKETS_DESCRIPTOR
#define REPORT 5
#define STATE 6
#define NUMBERS 7
// Above every number that a copy could collide with.
#define ASIDE 64
// Linux has 41 capabilities; prctl refuses the first number that does not exist.
#define CAPABILITIES 64

static void reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

// Puts each where the child looks for it, and leaves nothing else open. `report` says at every moment by what
// a failure can be told: a number that is another descriptor's would tell it to somebody else.
static int place_descriptors(const struct medulla_spawn *spawn, int states, int *report)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int from[NUMBERS] = {
		null, spawn->output, spawn->output, spawn->channel, spawn->packets, *report, states,
	};

	if (null < 0)
		return -errno;
	for (int number = 0; number < NUMBERS; number++) {
		if (from[number] < 0)
			continue;
		from[number] = fcntl(from[number], F_DUPFD_CLOEXEC, ASIDE);
		if (from[number] < 0)
			return -errno;
	}
	*report = from[REPORT];
	for (int number = 0; number < NUMBERS; number++) {
		if (from[number] < 0)
			close(number);
		else if (dup2(from[number], number) < 0)
			return -errno;
	}
	*report = REPORT;
	if (fcntl(REPORT, F_SETFD, FD_CLOEXEC) < 0 || (states >= 0 && fcntl(STATE, F_SETFD, FD_CLOEXEC) < 0))
		return -errno;
	// Everything else has or gets close-on-exec; an old kernel without the call has O_CLOEXEC alone.
	syscall(SYS_close_range, (unsigned int)NUMBERS, ~0U, 0);
	return 0;
}

// Its directory below the states, made where it is missing and given to its user; a link there is no
// directory. Leaves it in STATE, by which nothing can be read: the spawner may not look into others' files.
static int open_state(const struct medulla_spawn *spawn)
{
	uid_t user = spawn->user < 0 ? geteuid() : (uid_t)spawn->user;
	gid_t group = spawn->group < 0 ? getegid() : (gid_t)spawn->group;
	int own;

	if (mkdirat(STATE, spawn->state, 0700) < 0 && errno != EEXIST)
		return -errno;
	own = openat(STATE, spawn->state, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (own < 0 || fchownat(own, "", user, group, AT_EMPTY_PATH) < 0 || dup3(own, STATE, O_CLOEXEC) < 0)
		return -errno;
	close(own);
	return 0;
}

static int drop_privileges(const struct medulla_spawn *spawn)
{
	// Without CAP_SETPCAP there is nothing in the bounding set that the child could gain.
	for (int capability = 0; capability < CAPABILITIES; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			break;
	if (spawn->group >= 0) {
		gid_t group = (gid_t)spawn->group;

		if (setgroups(1, &group) < 0 || setresgid(group, group, group) < 0)
			return -errno;
	}
	if (spawn->user >= 0) {
		uid_t user = (uid_t)spawn->user;

		if (setresuid(user, user, user) < 0)
			return -errno;
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

// A change of the user clears it, so it comes after that.
static int end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

struct medulla_spawn_failure medulla_become_adapter(const struct medulla_spawn *spawn, int states,
						    int *report, pid_t parent)
{
	const struct medulla_isolation *isolation = &spawn->isolation;
	const int has_state = spawn->state && states >= 0;
	int result;

	reset_signals();
	setpriority(PRIO_PROCESS, 0, spawn->priority);
	result = setpgid(0, 0) < 0 ? -errno : place_descriptors(spawn, has_state ? states : -1, report);
	if (result)
		return (struct medulla_spawn_failure){ MEDULLA_STAGE_DESCRIPTORS, -result };
	result = has_state ? open_state(spawn) : 0;
	if (result)
		return (struct medulla_spawn_failure){ MEDULLA_STAGE_STATE, -result };
	result = isolation->is_full ? medulla_limit(isolation) : 0;
	if (result)
		return (struct medulla_spawn_failure){ MEDULLA_STAGE_LIMITS, -result };
	result = drop_privileges(spawn);
	if (!result)
		result = end_with(parent);
	if (result)
		return (struct medulla_spawn_failure){ MEDULLA_STAGE_USER, -result };
	if (spawn->directory && chdir(spawn->directory) < 0)
		return (struct medulla_spawn_failure){ MEDULLA_STAGE_DIRECTORY, errno };
	result = isolation->is_full ? medulla_confine_files(isolation, has_state ? STATE : -1) : 0;
	if (result)
		return (struct medulla_spawn_failure){ MEDULLA_STAGE_FILES, -result };
	result = isolation->is_full ? medulla_confine_calls(isolation) : 0;
	if (result)
		return (struct medulla_spawn_failure){ MEDULLA_STAGE_CALLS, -result };
	execve(spawn->arguments[0], spawn->arguments, spawn->environment);
	return (struct medulla_spawn_failure){ MEDULLA_STAGE_PROGRAM, errno };
}

int medulla_spawn_change_directory(void *actions, const char *directory)
{
	return -posix_spawn_file_actions_addchdir_np(actions, directory);
}

int medulla_make_channel(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		int error = errno;

		close(ends[0]);
		close(ends[1]);
		return -error;
	}
	return 0;
}
