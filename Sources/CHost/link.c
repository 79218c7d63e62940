// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "host_link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MEDULLA_MAX_DESCRIPTORS 8

int medulla_enter_network_namespace_of(int descriptor)
{
	return setns(descriptor, CLONE_NEWNET) ? -errno : 0;
}

int medulla_enter_network_namespace(const char *path)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	int result;

	if (descriptor < 0)
		return -errno;
	result = medulla_enter_network_namespace_of(descriptor);
	close(descriptor);
	return result;
}

int medulla_current_network_namespace(void)
{
	int descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return descriptor < 0 ? -errno : descriptor;
}

static int close_with(int descriptor, int error)
{
	close(descriptor);
	return -error;
}

int medulla_open_tun(const char *name)
{
	unsigned int offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int header_bytes = sizeof(struct virtio_net_hdr);
	struct ifreq request;
	int descriptor;

	if (strlen(name) >= sizeof(request.ifr_name))
		return -EINVAL;
	descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (descriptor < 0)
		return -errno;
	memset(&request, 0, sizeof(request));
	strcpy(request.ifr_name, name);
	request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(descriptor, TUNSETIFF, &request))
		return close_with(descriptor, errno);
	if (ioctl(descriptor, TUNSETVNETHDRSZ, &header_bytes))
		return close_with(descriptor, errno);
	if (ioctl(descriptor, TUNSETOFFLOAD, (unsigned long)offloads))
		return close_with(descriptor, errno);
	return descriptor;
}

int medulla_wait_readable(const int *descriptors, uint8_t *readable, int count, int64_t timeout_ns)
{
	struct timespec timeout = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
	struct pollfd polled[MEDULLA_MAX_DESCRIPTORS];
	int result;

	if (count < 0 || count > MEDULLA_MAX_DESCRIPTORS)
		return -EINVAL;
	for (int i = 0; i < count; i++)
		polled[i] = (struct pollfd){ .fd = descriptors[i], .events = POLLIN };
	result = ppoll(polled, count, timeout_ns < 0 ? NULL : &timeout, NULL);
	if (result < 0)
		return -errno;
	for (int i = 0; i < count; i++)
		readable[i] = polled[i].revents != 0;
	return result;
}

int medulla_make_pipe(int ends[2])
{
	return pipe2(ends, O_CLOEXEC) ? -errno : 0;
}

int medulla_set_timer_slack(uint64_t nanoseconds)
{
	return prctl(PR_SET_TIMERSLACK, (unsigned long)nanoseconds) ? -errno : 0;
}

int medulla_set_realtime(int priority)
{
	struct sched_param parameter = { .sched_priority = priority };

	return sched_setscheduler(0, SCHED_FIFO, &parameter) ? -errno : 0;
}

static int interruption_pipe[2] = { -1, -1 };

static void note_interruption(int signal_number)
{
	char byte = (char)signal_number;
	int saved = errno;
	// A full pipe means that the news is already there.
	ssize_t written = write(interruption_pipe[1], &byte, 1);

	(void)written;
	errno = saved;
}

int medulla_interruption_descriptor(void)
{
	struct sigaction action;

	if (interruption_pipe[0] >= 0)
		return interruption_pipe[0];
	if (pipe2(interruption_pipe, O_NONBLOCK | O_CLOEXEC))
		return -errno;
	memset(&action, 0, sizeof(action));
	action.sa_handler = note_interruption;
	action.sa_flags = SA_RESTART;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	return interruption_pipe[0];
}
