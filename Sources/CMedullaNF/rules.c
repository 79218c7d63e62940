// SPDX-License-Identifier: Apache-2.0
#include "nf_host.h"
#include "nf_rules.h"

static uint32_t choose(const struct nf_rule *rules, uint32_t count, uint32_t fields, const uint8_t *bytes,
		       uint32_t length)
{
	struct nf_seen seen = { 0 };

	if (nf_see(bytes, bytes + length, fields, &seen))
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
	uint32_t fields = 0;

	for (uint32_t i = 0; i < count; i++)
		fields |= rules[i].fields;
	for (uint32_t i = 0; i < number; i++)
		chosen[i] = choose(rules, count, fields, memory + nf_place(frames[i]), nf_length(frames[i]));
}
