/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/*
 * The kernel's own C with its packed weights, for this machine: features in, outputs out, the same copies as
 * the query program makes. It infers row by row, as the kernel does.
 */
#include <stddef.h>
#include <stdint.h>

#include "shape.h"

#define entry_network medulla_image
#define entry_memory medulla_scratch
#define ENTRY_FIELDS(field) field(words)

static inline void entry_rows(const struct medulla_image *image, struct medulla_scratch *scratch,
			      const int64_t *features, int64_t *outputs, size_t rows)
{
	for (; rows; rows--, features += MEDULLA_INPUTS, outputs += MEDULLA_OUTPUTS) {
		for (int i = 0; i < MEDULLA_INPUTS; i++)
			scratch->words[MEDULLA_FEATURES_OFFSET + i] = features[i];
		medulla_infer(image, scratch);
		for (int i = 0; i < MEDULLA_OUTPUTS; i++)
			outputs[i] = scratch->words[MEDULLA_OUTPUTS_OFFSET + i];
	}
}

#include "entries.h"
