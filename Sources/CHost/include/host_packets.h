// SPDX-License-Identifier: Apache-2.0
// Packets of an interface by a socket that one process opens and another reads: libpcap opens its own.
// Every function returns 0 (or a descriptor) or a negative errno.
#ifndef MEDULLA_PACKETS_H
#define MEDULLA_PACKETS_H

#include <stddef.h>
#include <stdint.h>

// Bytes before a frame in its buffer, where a tag that the kernel took out is put back.
#define MEDULLA_TAG_BYTES 4

struct medulla_received {
	// Since 1970.
	uint64_t nanoseconds;
	// On the wire.
	uint32_t length;
	// In the buffer, from `start` on.
	uint32_t start;
	uint32_t captured;
	// The type of Ethernet of what follows the link header.
	uint16_t type;
};

// Opens a socket for all packets of an interface of this thread's namespace, which gets none of another's at
// any moment. Frames of Ethernet come with their headers, those of any other link from the network header on.
// Needs CAP_NET_RAW, and CAP_NET_ADMIN for a buffer beyond the system's limit. `filter`: a program that says
// how much of each frame is received, and that stays for good; -1: none.
int medulla_open_packets(const char *interface, int buffer_bytes, int filter);

// Whether frames have Ethernet's header: 1 or 0. -ENOTSOCK and -EINVAL: it is no such socket.
int medulla_packets_are_ethernet(int socket);

// Whether the socket's interface has gone for good: 1 or 0.
int medulla_packets_have_ended(int socket);

// Takes the next frame without waiting for it; -EAGAIN: there is none.
int medulla_receive_packet(int socket, uint8_t *buffer, size_t room, struct medulla_received *received);

// Frames that found no room since this was last asked.
int medulla_packets_lost(int socket, uint32_t *lost);

#endif
