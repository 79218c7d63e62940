/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CWire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int wire_open(const char *interface, int listens)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = listens ? htons(ETH_P_ALL) : 0,
				      .sll_ifindex = (int)if_nametoindex(interface)};
	struct timeval patience = {.tv_sec = 2};
	int descriptor, status;

	if (!address.sll_ifindex)
		return -ENODEV;
	descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return -errno;
	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!bind(descriptor, (struct sockaddr *)&address, sizeof(address)))
		return descriptor;
	status = -errno;
	close(descriptor);
	return status;
}

int wire_run_on(int processor)
{
	cpu_set_t processors;

	CPU_ZERO(&processors);
	CPU_SET((unsigned int)processor, &processors);
	return sched_setaffinity(0, sizeof(processors), &processors) ? -errno : 0;
}
