// SPDX-License-Identifier: Apache-2.0
#include "host_interface.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// By sockets and not by /sys, which may show another namespace than the caller's.
int medulla_find_interface(const char *name, struct medulla_interface *found)
{
	struct ifreq request = {};
	int status = 0, fd;

	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENODEV;
	strcpy(request.ifr_name, name);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFINDEX, &request)) {
		status = -errno;
	} else {
		found->index = (uint32_t)request.ifr_ifindex;
		if (ioctl(fd, SIOCGIFMTU, &request))
			status = -errno;
		found->mtu = (uint32_t)request.ifr_mtu;
		if (!status && ioctl(fd, SIOCGIFHWADDR, &request))
			status = -errno;
		found->is_ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	}
	close(fd);
	return status;
}
