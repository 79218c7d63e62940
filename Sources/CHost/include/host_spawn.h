// SPDX-License-Identifier: Apache-2.0
// Starts the process of an adapter, by a fork of our own since posix_spawn cannot drop privileges; and what
// posix_spawn has that Swift cannot call.
#ifndef MEDULLA_SPAWN_H
#define MEDULLA_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

struct medulla_spawn {
	// Null-terminated arrays; arguments[0] is looked up on PATH.
	char *const *arguments;
	char *const *environment;
	// Working directory, or null.
	const char *directory;
	// Becomes the child's descriptor 3.
	int channel;
	// Becomes the child's standard output and error; its standard input is /dev/null.
	int output;
	// Whose rights the child has; -1: this process's.
	int64_t user;
	int64_t group;
	// Its nice value.
	int priority;
};

// Starts the child in a process group of its own, with default signals, no other descriptor, no capabilities
// and no way to gain any. It is killed when the thread that calls this ends. The child's id, or a negative
// errno of the fork, of a step before the start or of the start itself.
pid_t medulla_spawn_adapter(const struct medulla_spawn *spawn);

// Has the program of these actions (posix_spawn_file_actions_t) start in a directory. Returns 0 or a negative
// errno.
int medulla_spawn_change_directory(void *actions, const char *directory);

// A connected pair of stream sockets that programs started later do not inherit; ends[0] does not block.
// Returns 0 or a negative errno.
int medulla_make_channel(int ends[2]);

#endif
