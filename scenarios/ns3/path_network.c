/* SPDX-License-Identifier: GPL-2.0 */
#include "path_network.h"

#include "flow_logarithm.h"
#include "medulla_snapshot.h"

_Static_assert(MEDULLA_SNAPSHOT_INPUTS == PATH_NETWORK_FEATURES * MEDULLA_SNAPSHOT_OUTPUTS,
	       "the snapshot is no network of paths: it has six inputs for each output");
_Static_assert(MEDULLA_SNAPSHOT_OUTPUTS <= PATH_NETWORK_MOST_PATHS, "packets name up to seven paths");

uint32_t path_network_paths(void)
{
	return MEDULLA_SNAPSHOT_OUTPUTS;
}

uint32_t path_network_bits(void)
{
	return MEDULLA_SNAPSHOT_OUTPUT_FRACTION_BITS;
}

const char *path_network_digest(void)
{
	return medulla_snapshot_digest;
}

void path_network_inputs(const struct path_measures *paths, int64_t *inputs)
{
	for (uint32_t path = 0; path < MEDULLA_SNAPSHOT_OUTPUTS; path++) {
		const struct path_measures *own = &paths[path];
		const uint64_t values[PATH_NETWORK_FEATURES] = {
			own->rtt_us, own->marks_ppm, own->losses_ppm, own->age_us, own->flows, own->bytes,
		};

		for (uint32_t i = 0; i < PATH_NETWORK_FEATURES; i++)
			*inputs++ = flow_logarithm(values[i], MEDULLA_SNAPSHOT_FEATURE_FRACTION_BITS);
	}
}

void path_network_run(const int64_t *inputs, int64_t *costs)
{
	struct medulla_memory memory;

	medulla_snapshot_run(&memory, inputs, costs, 1);
}
