// SPDX-License-Identifier: Apache-2.0
// Starts the processes of adapters, by a process of its own: it is forked before this one gives up its
// privileges, and so can give an adapter a user whose processes this one could neither start nor end. And
// what posix_spawn has that Swift cannot call.
#ifndef MEDULLA_SPAWN_H
#define MEDULLA_SPAWN_H

#include "host_isolation.h"

#include <stdint.h>
#include <sys/types.h>

// Accounts of a policy, and processes at a time.
#define MEDULLA_MAX_ACCOUNTS 64
#define MEDULLA_MAX_CHILDREN 256

struct medulla_account {
	uint32_t user;
	uint32_t group;
};

// What the spawner serves. It is fixed at its start, so that whoever takes over this process later gets no
// other account by it.
struct medulla_spawner_policy {
	struct medulla_account accounts[MEDULLA_MAX_ACCOUNTS];
	// -1: any account but root's.
	int account_count;
	// Whether anything is started without isolation.
	int allows_bare;
	// The directory below which adapters have theirs, to which only the spawner's user may write; or -1.
	int states;
};

// Where the start of a program failed.
enum medulla_spawn_stage {
	MEDULLA_STAGE_REFUSED,
	MEDULLA_STAGE_FORK,
	MEDULLA_STAGE_DESCRIPTORS,
	MEDULLA_STAGE_STATE,
	MEDULLA_STAGE_LIMITS,
	MEDULLA_STAGE_USER,
	MEDULLA_STAGE_DIRECTORY,
	MEDULLA_STAGE_FILES,
	MEDULLA_STAGE_CALLS,
	MEDULLA_STAGE_PROGRAM,
};

struct medulla_spawn {
	// Null-terminated arrays; arguments[0] is the program's path.
	char *const *arguments;
	char *const *environment;
	// Working directory, or null.
	const char *directory;
	// The name of its own directory below the policy's `states`, or null.
	const char *state;
	// Becomes the child's descriptor 3.
	int channel;
	// Becomes the child's standard output and error; its standard input is /dev/null.
	int output;
	// Becomes the child's descriptor MEDULLA_PACKETS_DESCRIPTOR; -1: it has none.
	int packets;
	// Whose rights the child has; -1: the spawner's.
	int64_t user;
	int64_t group;
	// Its nice value.
	int priority;
	struct medulla_isolation isolation;
};

struct medulla_spawn_failure {
	int32_t stage;
	int32_t error;
};

// Forks the spawner, and returns the descriptor by which it is asked, or a negative errno. When that is
// closed, which the end of this process does, it kills all that it has started and ends.
int medulla_start_spawner(const struct medulla_spawner_policy *policy);

// Starts a child in a process group of its own, with default signals, no other descriptor, no capabilities
// and no way to gain any. Its id, or a negative errno; `stage` then says of what. One call at a time.
pid_t medulla_spawn(int spawner, const struct medulla_spawn *spawn, int *stage);

// How a child ended: 1 and si_code and si_status of waitid(2), 0 while it runs, or a negative errno. It stays
// a zombie, so that its group can still be killed by its id.
int medulla_look_at_child(int spawner, pid_t child, int *code, int *status);

// Kills the child with all that it has started, and reaps it. Returns 0 or a negative errno.
int medulla_end_child(int spawner, pid_t child);

// Has the program of these actions (posix_spawn_file_actions_t) start in a directory. Returns 0 or a negative
// errno.
int medulla_spawn_change_directory(void *actions, const char *directory);

// A connected pair of stream sockets that programs started later do not inherit; ends[0] does not block.
// Returns 0 or a negative errno.
int medulla_make_channel(int ends[2]);

// Becomes the program that `spawn` describes; returns only when it fails, and then says of what. For the
// spawner's children. `report` is the descriptor to tell of a failure by, which moves on the way.
struct medulla_spawn_failure medulla_become_adapter(const struct medulla_spawn *spawn, int states,
						    int *report, pid_t parent);

#endif
