// SPDX-License-Identifier: Apache-2.0
// What a process can be kept from: Landlock, seccomp and limits, applied to the calling process before it
// becomes a program that is not trusted. Only calls that are safe between fork and exec.
#ifndef MEDULLA_ISOLATION_H
#define MEDULLA_ISOLATION_H

#include <stdint.h>

// The child's descriptor that is a packet socket, where it has one.
#define MEDULLA_PACKETS_DESCRIPTOR 4

struct medulla_isolation {
	// 0: the process is only a child without capabilities; its user may do what that user may.
	int is_full;
	// Whether other processes of its user matter, because it has none of its own.
	int shares_user;
	// Files and directories that it may read and run, ending with null. Below one that ends with a slash
	// names may be listed, and nothing more.
	char *const *readable;
	// Of each of its processes: address space, open files, bytes of a file; and tasks of its user.
	uint64_t memory_bytes;
	uint64_t open_files;
	uint64_t file_bytes;
	uint64_t tasks;
	// Whether it has a packet socket, by which whoever holds it can send any frame: the filter leaves
	// only receiving.
	int has_packets;
	// Whether it has receive rings of AF_XDP: by their sockets it could also map the rings of free and of
	// sent frames, which all functions of the interface share.
	int has_receive_rings;
};

// The version of this kernel's Landlock; 0 when it has none or it is switched off.
int medulla_landlock_version(void);

// 1 when this kernel and machine have the system call filter that is used here.
int medulla_has_seccomp(void);

// The limits; hard ones, so that they only ever get lower. Returns 0 or a negative errno.
int medulla_limit(const struct medulla_isolation *isolation);

// Files: `readable` may be read, what is below the directory `state` (-1: none) may also be changed, a few
// devices and tables of the kernel may be used, nothing else. TCP is refused, and so are signals to and
// abstract sockets of processes outside, where the kernel has that. Returns 0 or a negative errno.
int medulla_confine_files(const struct medulla_isolation *isolation, int state);

// System calls: no sockets, no bpf, ptrace, mounts, modules, keys, namespaces, io_uring, no leaving the
// process group. Must come last before exec. Returns 0 or a negative errno.
int medulla_confine_calls(const struct medulla_isolation *isolation);

#endif
