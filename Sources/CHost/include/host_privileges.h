// SPDX-License-Identifier: Apache-2.0
// Giving up privileges for good: capset(2) and variadic prctl(2), which Swift cannot call. Every function
// returns 0 or a negative errno.
#ifndef MEDULLA_PRIVILEGES_H
#define MEDULLA_PRIVILEGES_H

#include <stdint.h>

// Makes the process a user with the groups that it is told, and keeps of its capabilities those of `keep`
// (a bit for each number) that it has. What is not kept also leaves the bounding set, so that no program
// that is started later gets it. Refused (-EBUSY) when the process has more than one thread, because the
// others would keep what they have.
int medulla_become(uint32_t user, uint32_t group, const uint32_t *groups, int group_count, uint64_t keep);

// Keeps of the capabilities of the process those of `keep`, without changing the user.
int medulla_keep_capabilities(uint64_t keep);

// The capabilities that the calling thread has in force.
int medulla_effective_capabilities(uint64_t *bits);

// A process that is started later gains nothing by set-user-id programs or file capabilities.
int medulla_no_new_privileges(void);

#endif
