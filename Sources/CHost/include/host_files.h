// SPDX-License-Identifier: Apache-2.0
// What files need and Swift cannot call: calls behind _GNU_SOURCE. Every function returns 0 or a negative
// errno.
#ifndef MEDULLA_FILES_H
#define MEDULLA_FILES_H

// Exchanges two names of files or directories in one step; -EINVAL where the file system cannot.
int medulla_exchange(const char *one, const char *other);

// Writes out what stdio keeps of standard output. -EIO also stands for an earlier write that failed for a
// reason that is not known any more.
int medulla_flush_output(void);

#endif
