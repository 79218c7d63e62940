// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "nf_host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HUGE_2MB (21U << 26) // MFD_HUGE_2MB, which old headers lack
#define DESCRIPTORS (NF_FIXED_DESCRIPTORS + NF_WELCOME_QUEUES)
#define BACKLOG 16

int nf_make_memory(const char *name, uint64_t bytes, int huge)
{
	const unsigned int pages = huge ? MFD_HUGETLB | HUGE_2MB : 0;
	int memory = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | pages), error;

	if (memory < 0)
		return -errno;
	// Another user who has a descriptor that only reads could open it again for writing.
	if (!fchmod(memory, 0600) && !ftruncate(memory, (off_t)bytes) &&
	    !fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return memory;
	error = -errno;
	close(memory);
	return error;
}

int nf_seal_writes(int memory)
{
	return fcntl(memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) ? -errno : 0;
}

int nf_open_for_reading(int memory)
{
	char path[64];
	int reading;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	reading = open(path, O_RDONLY | O_CLOEXEC);
	return reading < 0 ? -errno : reading;
}

int nf_send(int channel, const void *bytes, uint64_t size, const int *descriptors, int count)
{
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = size };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS)];
	} control;
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count < 0 || count > DESCRIPTORS)
		return -EINVAL;
	memset(&control, 0, sizeof(control));
	if (count) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
		memcpy(CMSG_DATA(&control.header), descriptors, sizeof(int) * (size_t)count);
	}
	return sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size ? 0 : -errno;
}

// Whether nobody listens at the socket any more, whose host was killed.
static int is_abandoned(const struct sockaddr_un *address)
{
	const int caller = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int answer = 0;

	if (caller < 0)
		return 0;
	answer = connect(caller, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
	close(caller);
	return answer == ECONNREFUSED;
}

static int bind_shut(int listener, const struct sockaddr_un *address)
{
	// Nobody must get in between.
	const mode_t before = umask(0177);
	const int error = bind(listener, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;

	umask(before);
	return error;
}

int nf_listen(const char *path, uint32_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener < 0)
		return -errno;
	error = bind_shut(listener, &address);
	if (error == -EADDRINUSE && is_abandoned(&address) && !unlink(path))
		error = bind_shut(listener, &address);
	if (!error && (chmod(path, (mode_t)mode) || listen(listener, BACKLOG)))
		error = -errno;
	if (!error)
		return listener;
	close(listener);
	return error;
}

int nf_accept_channel(int listener, uint32_t *user, int32_t *process)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);
	int channel = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (channel < 0)
		return -errno;
	if (getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &credentials, &size)) {
		const int error = -errno;

		close(channel);
		return error;
	}
	*user = credentials.uid;
	*process = credentials.pid;
	return channel;
}

int nf_make_channel(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) ? -errno : 0;
}

int nf_make_event(void)
{
	const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return event < 0 ? -errno : event;
}

int nf_receive_queues(const char *interface)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq request = { .ifr_data = (void *)&channels };
	int socket_, status;

	if (strlen(interface) >= sizeof(request.ifr_name))
		return -ENODEV;
	strcpy(request.ifr_name, interface);
	socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socket_ < 0)
		return -errno;
	status = ioctl(socket_, SIOCETHTOOL, &request) ? -errno : 0;
	close(socket_);
	if (status == -EOPNOTSUPP)
		return 1;
	if (status)
		return status;
	status = (int)(channels.combined_count + channels.rx_count);
	return status > 0 ? status : 1;
}

int nf_first_processor(void)
{
	cpu_set_t allowed;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return -errno;
	for (int processor = 0; processor < CPU_SETSIZE; processor++) {
		if (CPU_ISSET(processor, &allowed))
			return processor;
	}
	return -EINVAL;
}
