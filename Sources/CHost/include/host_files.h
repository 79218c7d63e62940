// SPDX-License-Identifier: Apache-2.0
// What files need and Swift cannot call: calls behind _GNU_SOURCE. Every function returns 0 or a negative
// errno.
#ifndef MEDULLA_FILES_H
#define MEDULLA_FILES_H

#include <stdint.h>

// Exchanges two names of files or directories in one step; -EINVAL where the file system cannot.
int medulla_exchange(const char *one, const char *other);

// Writes out what stdio keeps of standard output. -EIO also stands for an earlier write that failed for a
// reason that is not known any more.
int medulla_flush_output(void);

// A descriptor of what `name` is in the directory `directory` (or of a path, with AT_FDCWD): a link itself,
// not where it leads. It only tells what it is; what is done by it no other name can be put in the way of.
int medulla_open_entry(int directory, const char *name);

// Gives what a descriptor of medulla_open_entry is to a user and a group; -1 leaves either.
int medulla_give_entry(int descriptor, int64_t user, int64_t group);

// Gives a file, or a directory with what is in it, `depth` deep, without following a link on the way. What is
// not there needs nothing; a file of another user that has several names is refused (-EMLINK), because one of
// them may be somebody else's.
int medulla_give_tree(const char *path, int64_t user, int64_t group, int depth);

#endif
