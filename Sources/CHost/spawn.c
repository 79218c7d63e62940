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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The child's descriptors: 0 to 2 as usual, the channel, and the pipe that tells of a failed start.
#define CHANNEL 3
#define REPORT 4
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

static int place_descriptors(const struct medulla_spawn *spawn, int report)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int from[5] = { null, spawn->output, spawn->output, spawn->channel, report };

	for (int number = 0; number < 5; number++) {
		from[number] = fcntl(from[number], F_DUPFD_CLOEXEC, ASIDE);
		if (from[number] < 0)
			return -1;
	}
	for (int number = 0; number < 5; number++)
		if (dup2(from[number], number) < 0)
			return -1;
	if (fcntl(REPORT, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	// Everything else has or gets close-on-exec; an old kernel without the call has O_CLOEXEC alone.
	syscall(SYS_close_range, REPORT + 1, ~0U, 0);
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

		if (setgroups(1, &group) < 0 || setgid(group) < 0)
			return -1;
	}
	if (spawn->user >= 0 && setuid((uid_t)spawn->user) < 0)
		return -1;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// A change of the user clears it, so it comes after that.
static int end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -1;
	if (getppid() == parent)
		return 0;
	errno = ESRCH;
	return -1;
}

// Between fork and exec only calls that are safe after a fork of a process with threads.
static void become(const struct medulla_spawn *spawn, int report, pid_t parent)
{
	int error;

	reset_signals();
	setpriority(PRIO_PROCESS, 0, spawn->priority);
	if (setpgid(0, 0) == 0 && place_descriptors(spawn, report) == 0 && drop_privileges(spawn) == 0 &&
	    end_with(parent) == 0 && (!spawn->directory || chdir(spawn->directory) == 0))
		execvpe(spawn->arguments[0], spawn->arguments, spawn->environment);
	error = errno;
	// The report's number depends on how far it came; both lead to the same pipe.
	if (write(REPORT, &error, sizeof(error)) != sizeof(error))
		(void)!write(report, &error, sizeof(error));
	_exit(127);
}

pid_t medulla_spawn_adapter(const struct medulla_spawn *spawn)
{
	int report[2], error = 0;
	sigset_t all, before;
	pid_t child, parent = getpid();
	ssize_t count;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	// No handler of this process may run in the child.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	child = fork();
	if (child == 0)
		become(spawn, report[1], parent);
	error = child < 0 ? errno : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	if (child > 0) {
		do {
			count = read(report[0], &error, sizeof(error));
		} while (count < 0 && errno == EINTR);
		if (count == (ssize_t)sizeof(error))
			waitpid(child, NULL, 0);
		else
			error = 0;
	}
	close(report[0]);
	return error ? -error : child;
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
