// SPDX-License-Identifier: Apache-2.0
// What passes between this process and its spawner: one message for each question, one for its answer.
#ifndef MEDULLA_SPAWN_MESSAGE_H
#define MEDULLA_SPAWN_MESSAGE_H

#include "host_spawn.h"

// Less than a message of a Unix socket may have by default.
#define MESSAGE_LIMIT (160 << 10)
#define WORD_LIMIT 2048

enum question { QUESTION_SPAWN, QUESTION_LOOK, QUESTION_END };

// A channel and an output come with a question to start, and packets where the child has them.
#define DESCRIPTOR_LIMIT 3

// The words follow: arguments, environment, readable, directory, state, each ended by a zero byte.
struct message {
	int32_t question;
	int32_t child;
	int64_t user;
	int64_t group;
	int32_t priority;
	int32_t is_full;
	int32_t shares_user;
	int32_t has_receive_rings;
	int32_t has_directory;
	int32_t has_state;
	uint32_t arguments;
	uint32_t environment;
	uint32_t readable;
	uint64_t memory_bytes;
	uint64_t open_files;
	uint64_t file_bytes;
	uint64_t tasks;
};

struct answer {
	int32_t result;
	int32_t first;
	int32_t second;
};

// The spawner's part: answers until the other side is gone. Never returns.
void medulla_serve_spawner(int socket, const struct medulla_spawner_policy *policy);

#endif
