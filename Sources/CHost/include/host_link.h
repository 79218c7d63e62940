// SPDX-License-Identifier: Apache-2.0
// What the link emulator needs from the system and Swift cannot call: variadic ioctl and prctl,
// calls behind _GNU_SOURCE. Every function returns 0 (or a descriptor) or a negative errno.
#ifndef MEDULLA_LINK_H
#define MEDULLA_LINK_H

#include <stdint.h>

// Moves the calling thread into the network namespace whose file is `path`.
int medulla_enter_network_namespace(const char *path);

// A descriptor of the calling thread's present network namespace.
int medulla_current_network_namespace(void);

// Moves the calling thread into the network namespace behind `descriptor`.
int medulla_enter_network_namespace_of(int descriptor);

// Opens a non-blocking TUN device named `name` in the present network namespace; every packet has
// a 10-byte virtio-net header, and the kernel may hand over TCP super-segments.
int medulla_open_tun(const char *name);

// Waits at most `timeout_ns` for the calling thread's `count` descriptors to become readable; a
// negative timeout waits for ever. `readable[i]` becomes 1 for each one with news. Returns how many.
int medulla_wait_readable(const int *descriptors, uint8_t *readable, int count, int64_t timeout_ns);

// Makes a pipe that programs started later do not inherit.
int medulla_make_pipe(int ends[2]);

// Timer slack of the calling thread.
int medulla_set_timer_slack(uint64_t nanoseconds);

// Real-time FIFO scheduling for the calling thread.
int medulla_set_realtime(int priority);

// Installs a handler for SIGINT, SIGTERM and SIGHUP that only makes a descriptor readable, and
// returns that descriptor; later calls return the same one.
int medulla_interruption_descriptor(void);

#endif
