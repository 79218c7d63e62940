/* SPDX-License-Identifier: GPL-2.0 */
#include "flow_logarithm.h"

#include "flow_inputs.h"

int64_t flow_logarithm(uint64_t value, uint32_t fraction_bits)
{
	return flow_input_log2(value, fraction_bits);
}
