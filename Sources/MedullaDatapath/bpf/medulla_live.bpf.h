/* SPDX-License-Identifier: GPL-2.0 */
/* Asks the live slot from user space, by test run: never attached, pinned with the program set. */
#ifndef MEDULLA_LIVE_BPF_H
#define MEDULLA_LIVE_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_features);
} live_features SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_outputs);
} live_outputs SEC(".maps");

SEC("tc")
int medulla_live(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct medulla_features *features = bpf_map_lookup_elem(&live_features, &zero);
	struct medulla_outputs *outputs = bpf_map_lookup_elem(&live_outputs, &zero);

	if (!features || !outputs)
		return -1;
	return medulla_query_active(features->words, outputs->words);
}

#endif /* MEDULLA_LIVE_BPF_H */
