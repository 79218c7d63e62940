/* SPDX-License-Identifier: GPL-2.0 */
/* The snapshot as a network of paths. It stands alone so that another snapshot compiles this and nothing
 * else of a scenario. */
#ifndef PATH_NETWORK_H
#define PATH_NETWORK_H

#include <stdint.h>

#define PATH_NETWORK_MOST_PATHS 7
/* Of each path, in the order of `struct path_measures`. */
#define PATH_NETWORK_FEATURES 6
#define PATH_NETWORK_MOST_INPUTS (PATH_NETWORK_FEATURES * PATH_NETWORK_MOST_PATHS)

/* What a host knows of one of its paths by its own flows: the features that the path function has of it. */
struct path_measures {
	uint64_t rtt_us; /* smoothed round trip; 0: none yet */
	uint64_t marks_ppm; /* of delivered segments, those with a congestion mark */
	uint64_t losses_ppm; /* of sent segments, those sent again */
	uint64_t age_us; /* since something was last heard of it */
	uint64_t flows; /* placed on it that have not ended */
	uint64_t bytes; /* sent on it lately */
};

#ifdef __cplusplus
extern "C" {
#endif

/* As many as the network has outputs. */
uint32_t path_network_paths(void);
/* Fraction bits of the outputs. */
uint32_t path_network_bits(void);
const char *path_network_digest(void);

/* Inputs, path after path, each log2(1 + x) as the kernel's functions make it. */
void path_network_inputs(const struct path_measures *paths, int64_t *inputs);
/* The cost that each path is predicted to have. */
void path_network_run(const int64_t *inputs, int64_t *costs);

#ifdef __cplusplus
}
#endif

#endif /* PATH_NETWORK_H */
