/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FLOW_LOGARITHM_H
#define FLOW_LOGARITHM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* log2(1 + value) in fixed point, with the bits that the kernel's functions make. */
int64_t flow_logarithm(uint64_t value, uint32_t fraction_bits);

#ifdef __cplusplus
}
#endif

#endif /* FLOW_LOGARITHM_H */
