/* SPDX-License-Identifier: GPL-2.0 */
/* The staged snapshot infers beside the one that acts, and only its difference is counted. */
#ifndef MEDULLA_SHADOW_BPF_H
#define MEDULLA_SHADOW_BPF_H

/*
 * Asks the staged snapshot on the features that are still in `scratch`, and counts how far it is from
 * `given`, the outputs that were used. 1 when it answered: its outputs are in `scratch` then.
 */
__noinline int medulla_shadow(struct medulla_scratch *scratch, const struct medulla_outputs *given)
{
	const struct medulla_control *control = medulla_get_control();
	const struct medulla_image *image;
	struct medulla_counts *counts;
	__u64 largest = 0;
	__u32 slot;

	if (!scratch || !given || !control)
		return 0;
	slot = *(const volatile __u32 *)&control->staged;
	image = bpf_map_lookup_elem(&medulla_slots, &slot);
	counts = medulla_get_counts(slot);
	if (!image || !counts)
		return 0;
	medulla_run(image, scratch);
	for (int i = 0; i < MEDULLA_OUTPUTS; i++) {
		__s64 difference = scratch->words[MEDULLA_OUTPUTS_OFFSET + i] - given->words[i];
		__u64 size = difference < 0 ? -(__u64)difference : (__u64)difference;

		largest = size > largest ? size : largest;
	}
	medulla_count(&counts->shadow_inferences, 1);
	medulla_count(&counts->shadow_sum, largest);
	medulla_count_most(&counts->shadow_max, largest);
	return 1;
}

#endif /* MEDULLA_SHADOW_BPF_H */
