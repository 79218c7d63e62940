/* SPDX-License-Identifier: Apache-2.0 */
/* A client's socket: cells out and in, many at once. Every function gives a negative errno where it fails. */
#ifndef MEDULLA_FABRIC_SOCKET_H
#define MEDULLA_FABRIC_SOCKET_H

#include <linux/types.h>

/* Frames that one call sends or receives at most. */
#define FABRIC_BATCH 64

/*
 * A socket for a client's cells at an interface of the calling thread's namespace; no other frame reaches it.
 * Needs CAP_NET_RAW. Gives its descriptor.
 */
int fabric_open_socket(const char *interface, __u16 client);

/* Sends `count` frames of `bytes` each that lie one behind the other. Gives how many were taken. */
int fabric_send_frames(int socket, const __u8 *frames, __u32 bytes, __u32 count);

/* Receives up to `count` frames into places of `bytes` each. Gives how many; 0 when there is none. */
int fabric_receive_frames(int socket, __u8 *frames, __u32 bytes, __u32 count);

/* Waits until a frame is there, so long at most. 1, or 0 when time was up. */
int fabric_wait(int socket, __u64 nanoseconds);

#endif /* MEDULLA_FABRIC_SOCKET_H */
