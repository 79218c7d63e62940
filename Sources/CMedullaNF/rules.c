// SPDX-License-Identifier: Apache-2.0
#include "nf_host.h"
#include "nf_rules.h"

static uint32_t choose(const struct nf_rule *rules, uint32_t count, const uint8_t *bytes, uint32_t length)
{
	struct nf_seen seen = { 0 };

	if (nf_see(bytes, bytes + length, &seen))
		return NF_CUT_FRAME;
	for (uint32_t i = 0; i < count; i++) {
		if (nf_matches(&rules[i], &seen))
			return i;
	}
	return NF_NO_RULE;
}

void nf_choose_rules(const struct nf_rule *rules, uint32_t count, const uint8_t *memory,
		     const nf_descriptor *frames, uint32_t number, uint32_t *chosen)
{
	for (uint32_t i = 0; i < number; i++)
		chosen[i] = choose(rules, count, memory + nf_place(frames[i]), nf_length(frames[i]));
}
