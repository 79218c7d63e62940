// SPDX-License-Identifier: Apache-2.0
#include "host_checksum.h"

#include <string.h>

#define POLYNOMIAL 0x82f63b78u // the bits of 0x1edc6f41 in reverse, because bytes go in by their lowest bit

// What a byte's four low bits do to the remainder: half a byte at a time, from 64 bytes of table.
static const uint32_t nibbles[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t medulla_crc32c_plain(uint32_t checksum, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;
	uint32_t rest = ~checksum;

	while (count--) {
		rest ^= *at++;
		rest = rest >> 4 ^ nibbles[rest & 15];
		rest = rest >> 4 ^ nibbles[rest & 15];
	}
	return ~rest;
}

// The polynomial x^(8 * 2^k), remainder of the polynomial: k doublings of a byte's zeros.
static const uint32_t zeros[32] = {
	0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a, 0xb82be955, 0xb8fdb1e7,
	0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a, 0x35d73a62, 0x28461564, 0xbf455269, 0xe2ea32dc,
	0xfe7740e6, 0xf946610b, 0x3c204f8f, 0x538586e3, 0x59726915, 0x734d5309, 0xbc1ac763, 0x7d0722cc,
	0xd289cabe, 0xe94ca9bc, 0x05b74f3f, 0xa51e1f42, 0x40000000, 0x20000000, 0x08000000, 0x00800000,
};

static uint32_t product(uint32_t a, uint32_t b)
{
	uint32_t sum = 0;

	for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
		if (a & bit)
			sum ^= b;
		b = b & 1 ? b >> 1 ^ POLYNOMIAL : b >> 1;
	}
	return sum;
}

uint32_t medulla_crc32c_shift(uint32_t rest, uint32_t count)
{
	for (int k = 0; count; k++, count >>= 1)
		if (count & 1)
			rest = product(zeros[k], rest);
	return rest;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t checksum, const uint8_t *at,
								 size_t count)
{
	uint64_t rest = (uint32_t)~checksum, word;

	for (; count >= sizeof(word); count -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		rest = __builtin_ia32_crc32di(rest, word);
	}
	while (count--)
		rest = __builtin_ia32_crc32qi((uint32_t)rest, *at++);
	return ~(uint32_t)rest;
}

uint32_t medulla_crc32c(uint32_t checksum, const void *bytes, size_t count)
{
	if (__builtin_cpu_supports("sse4.2"))
		return by_instruction(checksum, bytes, count);
	return medulla_crc32c_plain(checksum, bytes, count);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

uint32_t medulla_crc32c(uint32_t checksum, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;
	uint32_t rest = ~checksum;
	uint64_t word;

	for (; count >= sizeof(word); count -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		rest = __crc32cd(rest, word);
	}
	while (count--)
		rest = __crc32cb(rest, *at++);
	return ~rest;
}

#else

uint32_t medulla_crc32c(uint32_t checksum, const void *bytes, size_t count)
{
	return medulla_crc32c_plain(checksum, bytes, count);
}

#endif
