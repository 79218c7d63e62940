/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A switch outside of the kernel: the same computation over the same memory, with packet sockets for ports.
 * For kernels that have no arenas, at the price of a system call for a cell.
 */
#ifndef MEDULLA_FABRIC_USERSPACE_H
#define MEDULLA_FABRIC_USERSPACE_H

#include <linux/types.h>

/*
 * A socket for all cells that come in by an interface of the calling thread's namespace. Needs CAP_NET_RAW.
 * Gives its descriptor, or a negative errno.
 */
int fabric_open_port(const char *interface);

/*
 * Does a switch's work until `*is_over` is not 0, which is looked at some fifty times a second. `memory`
 * begins with a struct fabric_switch; frames have `bytes`; `sockets` are FABRIC_PORTS, -1 for none. Gives 0,
 * or a negative errno when a port is gone.
 */
int fabric_serve(__u64 memory, __u32 bytes, const int *sockets, const __u32 *is_over);

/* Ends those that look at this word. */
void fabric_stop_serving(__u32 *is_over);

#endif /* MEDULLA_FABRIC_USERSPACE_H */
