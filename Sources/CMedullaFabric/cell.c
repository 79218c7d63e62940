// SPDX-License-Identifier: Apache-2.0
#include "fabric_cell.h"

#define CHECKSUM_PLACE 36

__u16 fabric_checksum(const __u8 *frame, __u32 bytes)
{
	__u64 sum = 0;

	for (__u32 at = FABRIC_LINK_BYTES; at < bytes; at += 2) {
		if (at == CHECKSUM_PLACE)
			continue;
		sum += (__u32)frame[at] << 8 | (at + 1 < bytes ? frame[at + 1] : 0);
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	// Both forms of zero mean the same sum.
	return (__u16)~sum ? (__u16)~sum : 0xffff;
}
