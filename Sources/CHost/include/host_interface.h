// SPDX-License-Identifier: Apache-2.0
// Network interfaces of the calling thread's namespace.
#ifndef MEDULLA_INTERFACE_H
#define MEDULLA_INTERFACE_H

#include <stdint.h>

struct medulla_interface {
	uint32_t index;
	uint32_t mtu;
	uint32_t is_ethernet; // or another kind, such as a tunnel
};

// 0 or a negative errno; -ENODEV: there is no such interface.
int medulla_find_interface(const char *name, struct medulla_interface *found);

#endif
