// SPDX-License-Identifier: Apache-2.0
// The side that asks the spawner.
#define _GNU_SOURCE
#include "host_spawn.h"
#include "spawn_message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int medulla_start_spawner(const struct medulla_spawner_policy *policy)
{
	sigset_t all, before;
	int ends[2], error;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	// No handler of this process may run in the child.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	child = fork();
	if (child == 0)
		medulla_serve_spawner(ends[1], policy);
	error = child < 0 ? errno : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (!error)
		return ends[0];
	close(ends[0]);
	return -error;
}

static int ask(int spawner, struct msghdr *question, struct answer *answer)
{
	ssize_t count;

	do {
		count = sendmsg(spawner, question, MSG_NOSIGNAL);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	do {
		count = recv(spawner, answer, sizeof(*answer), 0);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	return count == (ssize_t)sizeof(*answer) ? 0 : -EPIPE;
}

static int ask_about(int spawner, enum question question, pid_t child, struct answer *answer)
{
	struct message message = { .question = question, .child = child };
	struct iovec part = { .iov_base = &message, .iov_len = sizeof(message) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	return ask(spawner, &header, answer);
}

int medulla_look_at_child(int spawner, pid_t child, int *code, int *status)
{
	struct answer answer;
	int result = ask_about(spawner, QUESTION_LOOK, child, &answer);

	if (result)
		return result;
	*code = answer.first;
	*status = answer.second;
	return answer.result;
}

int medulla_end_child(int spawner, pid_t child)
{
	struct answer answer;
	int result = ask_about(spawner, QUESTION_END, child, &answer);

	return result ? result : answer.result;
}

// Appends a word to the message; false when it is full.
static int put(char *buffer, size_t *length, const char *word)
{
	size_t bytes = strlen(word) + 1;

	if (bytes > MESSAGE_LIMIT - *length)
		return 0;
	memcpy(buffer + *length, word, bytes);
	*length += bytes;
	return 1;
}

static int put_all(char *buffer, size_t *length, char *const *words, uint32_t *count)
{
	for (*count = 0; words && words[*count]; ++*count)
		if (!put(buffer, length, words[*count]))
			return 0;
	return 1;
}

// The message in `buffer`; its length, or 0 when it would be longer than it may.
static size_t write_message(char *buffer, const struct medulla_spawn *spawn)
{
	struct message message = {
		.question = QUESTION_SPAWN,
		.user = spawn->user,
		.group = spawn->group,
		.priority = spawn->priority,
		.is_full = spawn->isolation.is_full,
		.shares_user = spawn->isolation.shares_user,
		.has_receive_rings = spawn->isolation.has_receive_rings,
		.has_directory = spawn->directory != NULL,
		.has_state = spawn->state != NULL,
		.memory_bytes = spawn->isolation.memory_bytes,
		.open_files = spawn->isolation.open_files,
		.file_bytes = spawn->isolation.file_bytes,
		.tasks = spawn->isolation.tasks,
	};
	size_t length = sizeof(message);

	if (!put_all(buffer, &length, spawn->arguments, &message.arguments) ||
	    !put_all(buffer, &length, spawn->environment, &message.environment) ||
	    !put_all(buffer, &length, spawn->isolation.readable, &message.readable) ||
	    (spawn->directory && !put(buffer, &length, spawn->directory)) ||
	    (spawn->state && !put(buffer, &length, spawn->state)) ||
	    message.arguments + message.environment + message.readable > WORD_LIMIT)
		return 0;
	memcpy(buffer, &message, sizeof(message));
	return length;
}

pid_t medulla_spawn(int spawner, const struct medulla_spawn *spawn, int *stage)
{
	int descriptors[DESCRIPTOR_LIMIT] = { spawn->channel, spawn->output, spawn->packets };
	const size_t bytes = (spawn->packets < 0 ? 2 : 3) * sizeof(int);
	char control[CMSG_SPACE(sizeof(descriptors))] __attribute__((aligned(8))) = { 0 };
	char *buffer = malloc(MESSAGE_LIMIT);
	struct iovec part = { .iov_base = buffer };
	struct msghdr header = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(bytes)
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	struct answer answer = { 0 };
	int result = -ENOMEM;

	*stage = MEDULLA_STAGE_REFUSED;
	if (buffer) {
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(rights), descriptors, bytes);
		part.iov_len = write_message(buffer, spawn);
		result = part.iov_len ? ask(spawner, &header, &answer) : -E2BIG;
	}
	free(buffer);
	if (result)
		return result;
	*stage = answer.first;
	return answer.result;
}
