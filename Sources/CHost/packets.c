// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ADDRESS_BYTES 12

// `protocol` 0: nothing is received yet.
static int bind_to(int socket, unsigned int index, uint16_t protocol)
{
	struct sockaddr_ll place = {
		.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = (int)index
	};

	return bind(socket, (struct sockaddr *)&place, sizeof(place)) < 0 ? -errno : 0;
}

static int find_place(int socket, struct sockaddr_ll *place)
{
	socklen_t length = sizeof(*place);

	memset(place, 0, sizeof(*place));
	if (getsockname(socket, (struct sockaddr *)place, &length) < 0)
		return -errno;
	return place->sll_family == AF_PACKET ? 0 : -EINVAL;
}

// A socket that is bound to the interface and receives nothing yet.
static int open_silent(unsigned int index, int type, struct sockaddr_ll *place)
{
	int fd = socket(AF_PACKET, type | SOCK_CLOEXEC, 0);
	int result = fd < 0 ? -errno : bind_to(fd, index, 0);

	if (!result)
		result = find_place(fd, place);
	if (result && fd >= 0)
		close(fd);
	return result ? result : fd;
}

static int set_up(int fd, int buffer_bytes, int filter, int is_loopback)
{
	const int on = 1;

	if (filter >= 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)) < 0 ||
	     setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0))
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
	// There each frame would come twice: as it leaves, and as it arrives.
	if (is_loopback)
		(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

int medulla_open_packets(const char *interface, int buffer_bytes, int filter)
{
	const unsigned int index = if_nametoindex(interface);
	struct sockaddr_ll place;
	int fd, result;

	if (!index)
		return errno == ENXIO ? -ENODEV : -errno;
	fd = open_silent(index, SOCK_RAW, &place);
	if (fd >= 0 && place.sll_hatype != ARPHRD_ETHER && place.sll_hatype != ARPHRD_LOOPBACK) {
		close(fd);
		fd = open_silent(index, SOCK_DGRAM, &place);
	}
	if (fd < 0)
		return fd;
	result = set_up(fd, buffer_bytes, filter, place.sll_hatype == ARPHRD_LOOPBACK);
	if (!result)
		result = bind_to(fd, index, ETH_P_ALL);
	if (result)
		close(fd);
	return result ? result : fd;
}

int medulla_packets_are_ethernet(int socket)
{
	struct sockaddr_ll place;
	socklen_t length = sizeof(int);
	int type = 0, result = find_place(socket, &place);

	if (result)
		return result;
	if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length) < 0)
		return -errno;
	return type == SOCK_RAW;
}

int medulla_packets_have_ended(int socket)
{
	struct sockaddr_ll place;

	// A number that is taken up again is not this interface's.
	return find_place(socket, &place) < 0 || place.sll_ifindex <= 0;
}

// Puts a tag of a virtual network back where it was: the kernel tells of it beside the frame.
static void put_tag(uint8_t *buffer, const struct tpacket_auxdata *facts, struct medulla_received *received)
{
	const int has_type = (facts->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
	const uint16_t tag[2] = {
		htons(has_type ? facts->tp_vlan_tpid : ETH_P_8021Q),
		htons(facts->tp_vlan_tci),
	};

	if (!(facts->tp_status & TP_STATUS_VLAN_VALID) || received->captured < ADDRESS_BYTES)
		return;
	memmove(buffer, buffer + MEDULLA_TAG_BYTES, ADDRESS_BYTES);
	memcpy(buffer + ADDRESS_BYTES, tag, sizeof(tag));
	received->start = 0;
	received->captured += MEDULLA_TAG_BYTES;
	received->length += MEDULLA_TAG_BYTES;
}

static uint64_t nanoseconds_of(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static void read_facts(uint8_t *buffer, struct msghdr *message, int is_ethernet,
		       struct medulla_received *received)
{
	struct tpacket_auxdata facts;
	struct timespec time;

	// There are at most two: the control buffer has no room for more.
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&time, CMSG_DATA(part), sizeof(time));
			received->nanoseconds = nanoseconds_of(&time);
		} else if (is_ethernet && part->cmsg_level == SOL_PACKET &&
			   part->cmsg_type == PACKET_AUXDATA) {
			memcpy(&facts, CMSG_DATA(part), sizeof(facts));
			put_tag(buffer, &facts, received);
		}
	}
	if (!received->nanoseconds && clock_gettime(CLOCK_REALTIME, &time) == 0)
		received->nanoseconds = nanoseconds_of(&time);
}

int medulla_receive_packet(int socket, uint8_t *buffer, size_t room, struct medulla_received *received)
{
	char control[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct tpacket_auxdata))]
		__attribute__((aligned(8)));
	struct sockaddr_ll from = { .sll_protocol = 0 };
	struct iovec part = {
		.iov_base = buffer + MEDULLA_TAG_BYTES, .iov_len = room - MEDULLA_TAG_BYTES
	};
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t count;

	if (room <= MEDULLA_TAG_BYTES)
		return -EINVAL;
	do {
		count = recvmsg(socket, &message, MSG_DONTWAIT | MSG_TRUNC);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	*received = (struct medulla_received){
		.length = (uint32_t)count,
		.start = MEDULLA_TAG_BYTES,
		.captured = (uint32_t)((size_t)count < part.iov_len ? (size_t)count : part.iov_len),
		.type = ntohs(from.sll_protocol),
	};
	// Of no other link is a header given, in which a tag could be.
	read_facts(buffer, &message, from.sll_hatype == ARPHRD_ETHER || from.sll_hatype == ARPHRD_LOOPBACK,
		   received);
	return 0;
}

int medulla_packets_lost(int socket, uint32_t *lost)
{
	struct tpacket_stats counts;
	socklen_t length = sizeof(counts);

	if (getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &counts, &length) < 0)
		return -errno;
	*lost = counts.tp_drops;
	return 0;
}
