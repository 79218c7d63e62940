// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli's polynomial, as iSCSI has it: RFC 3720, 12.1), by the processor where it can.
#ifndef MEDULLA_CHECKSUM_H
#define MEDULLA_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

// Goes on from `checksum`, 0 for the first bytes: parts in order give what the whole gives.
uint32_t medulla_crc32c(uint32_t checksum, const void *bytes, size_t count);

// The remainder after `count` more bytes of zeros, in at most 32 products however many: by it parts are put
// together in any order.
uint32_t medulla_crc32c_shift(uint32_t rest, uint32_t count);

// `medulla_crc32c` without the processor's instruction.
uint32_t medulla_crc32c_plain(uint32_t checksum, const void *bytes, size_t count);

#endif
