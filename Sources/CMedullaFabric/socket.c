// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "fabric_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fabric_cell.h"
#include "fabric_userspace.h"

#define RECEIVE_BUFFER_BYTES (16 << 20)
#define SEND_BUFFER_BYTES (8 << 20)
#define CLIENT_PLACE 22

/* Lets cells of one client through, whole. */
static int attach_filter(int socket, __u16 client)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FABRIC_ETHERTYPE, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, CLIENT_PLACE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, client, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int set(int socket, int level, int option, int value)
{
	return setsockopt(socket, level, option, &value, sizeof(value));
}

/* All cells, or one client's. */
static int open_socket(const char *interface, const __u16 *client)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(FABRIC_ETHERTYPE),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	// Without a protocol nothing comes in before the filter is there.
	int number = address.sll_ifindex ? socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) : -1;

	if (!address.sll_ifindex)
		return -ENODEV;
	if (number < 0)
		return -errno;
	if ((client && attach_filter(number, *client)) ||
	    set(number, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1) ||
	    set(number, SOL_PACKET, PACKET_QDISC_BYPASS, 1) ||
	    bind(number, (struct sockaddr *)&address, sizeof(address))) {
		int error = errno;

		close(number);
		return -error;
	}
	// Smaller buffers than wanted lose frames, which are asked for again.
	if (set(number, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES))
		set(number, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
	if (set(number, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES))
		set(number, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
	return number;
}

int fabric_open_socket(const char *interface, __u16 client) { return open_socket(interface, &client); }

int fabric_open_port(const char *interface) { return open_socket(interface, NULL); }

static void fill(struct mmsghdr *messages, struct iovec *parts, __u8 *frames, __u32 bytes, __u32 count)
{
	memset(messages, 0, count * sizeof(*messages));
	for (__u32 i = 0; i < count; i++) {
		parts[i] = (struct iovec){.iov_base = frames + (__u64)i * bytes, .iov_len = bytes};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

int fabric_send_frames(int socket, const __u8 *frames, __u32 bytes, __u32 count)
{
	struct mmsghdr messages[FABRIC_BATCH];
	struct iovec parts[FABRIC_BATCH];
	int sent;

	count = count < FABRIC_BATCH ? count : FABRIC_BATCH;
	fill(messages, parts, (__u8 *)frames, bytes, count);
	sent = sendmmsg(socket, messages, count, MSG_DONTWAIT);
	if (sent < 0)
		return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
	return sent;
}

int fabric_receive_frames(int socket, __u8 *frames, __u32 bytes, __u32 count)
{
	struct mmsghdr messages[FABRIC_BATCH];
	struct iovec parts[FABRIC_BATCH];
	int received;

	count = count < FABRIC_BATCH ? count : FABRIC_BATCH;
	fill(messages, parts, frames, bytes, count);
	received = recvmmsg(socket, messages, count, MSG_DONTWAIT, NULL);
	if (received < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	// A frame of another size is none of a fabric's; its place has what another one has left.
	for (int i = 0; i < received; i++)
		if (messages[i].msg_len != bytes)
			memset(frames + (__u64)i * bytes, 0, FABRIC_HEADER_BYTES);
	return received;
}

int fabric_wait(int socket, __u64 nanoseconds)
{
	struct pollfd wanted = {.fd = socket, .events = POLLIN};
	struct timespec limit = {
		.tv_sec = (time_t)(nanoseconds / 1000000000), .tv_nsec = (long)(nanoseconds % 1000000000)};
	int ready = ppoll(&wanted, 1, &limit, NULL);

	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready > 0;
}
