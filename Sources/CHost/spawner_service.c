// SPDX-License-Identifier: Apache-2.0
// The spawner itself. It may be forked from a process with threads, so nothing here allocates: all it keeps
// is static.
#define _GNU_SOURCE
#include "host_privileges.h"
#include "host_spawn.h"
#include "spawn_message.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The spawner's descriptors.
#define SOCKET 3
#define STATES 4
#define ASIDE 64

static struct medulla_spawner_policy policy;
static pid_t children[MEDULLA_MAX_CHILDREN];
static char buffer[MESSAGE_LIMIT];
static char *words[WORD_LIMIT + 8];

static pid_t *find(pid_t child)
{
	for (int i = 0; i < MEDULLA_MAX_CHILDREN; i++)
		if (children[i] == child)
			return &children[i];
	return NULL;
}

static void end_group(pid_t child)
{
	// No process can leave its group, so what it has started ends with it; until it is reaped its id
	// cannot be another's.
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static struct answer end(pid_t child)
{
	pid_t *entry = child > 0 ? find(child) : NULL;

	if (!entry)
		return (struct answer){ .result = -ESRCH };
	end_group(child);
	*entry = 0;
	return (struct answer){ .result = 0 };
}

static struct answer look(pid_t child)
{
	siginfo_t information = { .si_signo = 0 };

	if (child <= 0 || !find(child))
		return (struct answer){ .result = -ESRCH };
	if (waitid(P_PID, (id_t)child, &information, WEXITED | WNOHANG | WNOWAIT) < 0)
		return (struct answer){ .result = -errno };
	if (!information.si_signo)
		return (struct answer){ .result = 0 };
	return (struct answer){ 1, information.si_code, information.si_status };
}

static int is_allowed(const struct medulla_spawn *spawn)
{
	uint32_t user = spawn->user < 0 ? geteuid() : (uint32_t)spawn->user;

	if (!spawn->isolation.is_full && !policy.allows_bare)
		return 0;
	// With all of root's rights there is nothing that a process could be kept from.
	if (user == 0 && spawn->isolation.is_full)
		return 0;
	if (policy.account_count < 0)
		return 1;
	if (spawn->user < 0)
		return geteuid() != 0;
	for (int i = 0; i < policy.account_count && i < MEDULLA_MAX_ACCOUNTS; i++)
		if (policy.accounts[i].user == user && policy.accounts[i].group == (uint32_t)spawn->group)
			return 1;
	return 0;
}

static char *next_word(size_t *at, size_t length)
{
	char *word = buffer + *at;
	size_t left = length - *at, bytes = strnlen(word, left);

	if (bytes == left)
		return NULL;
	*at += bytes + 1;
	return word;
}

static char **next_words(char ***next, uint32_t count, size_t *at, size_t length)
{
	char **first = *next;

	for (uint32_t i = 0; i < count; i++) {
		char *word = next_word(at, length);

		if (!word)
			return NULL;
		*(*next)++ = word;
	}
	*(*next)++ = NULL;
	return first;
}

// A plain name: it is looked up below the states, and must not lead elsewhere.
static int is_name(const char *text)
{
	return text[0] && text[0] != '.' && !strchr(text, '/');
}

static int read_message(size_t length, struct medulla_spawn *spawn)
{
	const struct message *message = (const struct message *)buffer;
	size_t at = sizeof(*message);
	char **next = words;

	if (message->arguments == 0 || message->arguments > WORD_LIMIT || message->environment > WORD_LIMIT ||
	    message->readable > WORD_LIMIT ||
	    message->arguments + message->environment + message->readable > WORD_LIMIT)
		return -E2BIG;
	spawn->arguments = next_words(&next, message->arguments, &at, length);
	spawn->environment = next_words(&next, message->environment, &at, length);
	spawn->isolation.readable = next_words(&next, message->readable, &at, length);
	spawn->directory = message->has_directory ? next_word(&at, length) : NULL;
	spawn->state = message->has_state ? next_word(&at, length) : NULL;
	if (!spawn->arguments || !spawn->environment || !spawn->isolation.readable ||
	    (message->has_directory && !spawn->directory) || (message->has_state && !spawn->state) ||
	    (spawn->state && !is_name(spawn->state)))
		return -EINVAL;
	spawn->user = message->user;
	spawn->group = message->group;
	spawn->priority = message->priority;
	spawn->isolation.is_full = message->is_full;
	spawn->isolation.shares_user = message->shares_user;
	spawn->isolation.has_receive_rings = message->has_receive_rings;
	spawn->isolation.memory_bytes = message->memory_bytes;
	spawn->isolation.open_files = message->open_files;
	spawn->isolation.file_bytes = message->file_bytes;
	spawn->isolation.tasks = message->tasks;
	return 0;
}

static struct answer start(const struct medulla_spawn *spawn)
{
	struct medulla_spawn_failure failure = { 0, 0 };
	const pid_t own = getpid();
	pid_t *entry = find(0), child;
	int report[2], told;
	ssize_t count;

	if (!entry)
		return (struct answer){ -EAGAIN, MEDULLA_STAGE_FORK, 0 };
	if (pipe2(report, O_CLOEXEC) < 0)
		return (struct answer){ -errno, MEDULLA_STAGE_FORK, 0 };
	child = fork();
	if (child == 0) {
		told = report[1];
		failure = medulla_become_adapter(spawn, policy.states, &told, own);
		(void)!write(told, &failure, sizeof(failure));
		_exit(127);
	}
	close(report[1]);
	if (child < 0) {
		failure = (struct medulla_spawn_failure){ MEDULLA_STAGE_FORK, errno };
	} else {
		do {
			count = read(report[0], &failure, sizeof(failure));
		} while (count < 0 && errno == EINTR);
		if (count == (ssize_t)sizeof(failure))
			waitpid(child, NULL, 0);
		else
			*entry = child;
	}
	close(report[0]);
	if (failure.error)
		return (struct answer){ -failure.error, failure.stage, 0 };
	return (struct answer){ .result = child };
}

static struct answer spawn(size_t length, const int descriptors[DESCRIPTOR_LIMIT])
{
	struct medulla_spawn spawn = {
		.channel = descriptors[0],
		.output = descriptors[1],
		.packets = descriptors[2],
		.isolation.has_packets = descriptors[2] >= 0,
	};
	int result = read_message(length, &spawn);

	if (!result && !is_allowed(&spawn))
		result = -EPERM;
	return result ? (struct answer){ result, MEDULLA_STAGE_REFUSED, 0 } : start(&spawn);
}

// Takes one question and answers it; false when the other side is gone.
static int serve_one(void)
{
	int descriptors[DESCRIPTOR_LIMIT] = { -1, -1, -1 };
	char control[CMSG_SPACE(sizeof(descriptors))] __attribute__((aligned(8)));
	const struct message *message = (const struct message *)buffer;
	struct iovec part = { .iov_base = buffer, .iov_len = sizeof(buffer) };
	// Without the space that rounds it up, into which the kernel would put a further descriptor.
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_LEN(sizeof(descriptors)),
	};
	struct answer answer = { .result = -EINVAL };
	ssize_t length = recvmsg(SOCKET, &header, MSG_CMSG_CLOEXEC);
	struct cmsghdr *rights = length > 0 ? CMSG_FIRSTHDR(&header) : NULL;

	if (length < 0 && errno == EINTR)
		return 1;
	if (length <= 0)
		return 0;
	if (rights && rights->cmsg_type == SCM_RIGHTS && rights->cmsg_len <= CMSG_LEN(sizeof(descriptors)))
		memcpy(descriptors, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
	if (length >= (ssize_t)sizeof(*message)) {
		if (message->question == QUESTION_SPAWN && descriptors[1] >= 0)
			answer = spawn((size_t)length, descriptors);
		else if (message->question == QUESTION_LOOK)
			answer = look(message->child);
		else if (message->question == QUESTION_END)
			answer = end(message->child);
	}
	for (int i = 0; i < DESCRIPTOR_LIMIT; i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
	return send(SOCKET, &answer, sizeof(answer), MSG_NOSIGNAL) == (ssize_t)sizeof(answer);
}

// Nothing of the process that forked it stays open but the way to be asked and the adapters' states.
static void keep_descriptors(int socket)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int own = fcntl(socket, F_DUPFD_CLOEXEC, ASIDE);
	int states = policy.states < 0 ? -1 : fcntl(policy.states, F_DUPFD_CLOEXEC, ASIDE);

	for (int number = 0; number < 3; number++)
		dup2(null, number);
	dup3(own, SOCKET, O_CLOEXEC);
	policy.states = states < 0 ? -1 : dup3(states, STATES, O_CLOEXEC);
	syscall(SYS_close_range, policy.states < 0 ? STATES : STATES + 1, ~0U, 0);
}

// It ends with the other side, not by a signal that is meant for that.
static void settle(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP };
	struct sigaction standard = { .sa_handler = SIG_DFL }, ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "medulla-spawner", 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void medulla_serve_spawner(int socket, const struct medulla_spawner_policy *given)
{
	// To become another user, to end its processes, to give it a directory.
	const uint64_t kept = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_SETPCAP |
			      1ULL << CAP_KILL | 1ULL << CAP_CHOWN;

	policy = *given;
	settle();
	keep_descriptors(socket);
	if (!policy.allows_bare && medulla_keep_capabilities(kept) != 0)
		_exit(1);
	while (serve_one())
		;
	for (int i = 0; i < MEDULLA_MAX_CHILDREN; i++)
		if (children[i] > 0)
			end_group(children[i]);
	_exit(0);
}
