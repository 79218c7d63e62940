/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Slots, router, pinning, counts and samples: what every datapath function shares. A function includes this
 * file, makes features, and asks `medulla_query` or, with a pinned slot, `medulla_infer_slot`.
 */
#ifndef MEDULLA_BPF_H
#define MEDULLA_BPF_H

#include "kernel_types.h"
#include "medulla_order.bpf.h"
#include "intf.h"
#include "shape.h"

_Static_assert(sizeof(struct medulla_image) == MEDULLA_IMAGE_WORDS * 8, "image layout");
_Static_assert(sizeof(struct medulla_scratch) == MEDULLA_SCRATCH_WORDS * 8, "scratch layout");
_Static_assert(MEDULLA_FEATURES_OFFSET + MEDULLA_INPUTS <= MEDULLA_SCRATCH_WORDS, "features lie inside");
_Static_assert(MEDULLA_OUTPUTS_OFFSET + MEDULLA_OUTPUTS <= MEDULLA_SCRATCH_WORDS, "outputs lie inside");

/* Of one inference, in the shape's fixed point. */
struct medulla_features {
	__s64 words[MEDULLA_INPUTS];
};

struct medulla_outputs {
	__s64 words[MEDULLA_OUTPUTS];
};

/* Working memory of one inference. */
struct medulla_workspace {
	__u32 busy;
	__u32 reserved;
	struct medulla_scratch scratch;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MEDULLA_SLOTS);
	__type(key, __u32);
	__type(value, struct medulla_image);
} medulla_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct medulla_control);
} medulla_control SEC(".maps");

/* The instance's: a flow may go from one program set to another. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MEDULLA_PINS);
	__type(key, __u32);
	__type(value, struct medulla_flows);
} medulla_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MEDULLA_SLOTS);
	__type(key, __u32);
	__type(value, struct medulla_counts);
} medulla_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MEDULLA_WORKSPACES);
	__type(key, __u32);
	__type(value, struct medulla_workspace);
} medulla_workspaces SEC(".maps");

static __always_inline const struct medulla_control *medulla_get_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&medulla_control, &zero);
}

/* What is reached by the slot (image, version, counts) is loaded after it: the address depends on it. */
static __always_inline __u32 medulla_active_slot(const struct medulla_control *control)
{
	return *(const volatile __u32 *)&control->active;
}

/* Working memory of this processor. A program in a process's context can be interrupted by another in a
 * softirq, and preempted for a third, so there are MEDULLA_WORKSPACES of them, each with its own mark. */
static __always_inline struct medulla_workspace *medulla_take_workspace(void)
{
#pragma unroll
	for (__u32 i = 0; i < MEDULLA_WORKSPACES; i++) {
		__u32 key = i;
		struct medulla_workspace *workspace = bpf_map_lookup_elem(&medulla_workspaces, &key);

		if (workspace && !__sync_lock_test_and_set(&workspace->busy, 1))
			return workspace;
	}
	return 0;
}

/* Of this processor alone, so that the compiler's order is enough. */
static __always_inline void medulla_give_workspace(struct medulla_workspace *workspace)
{
	MEDULLA_BARRIER();
	*(volatile __u32 *)&workspace->busy = 0;
}

/* The pin in a flow's word; above it is the flow's number, where the word has one. */
static __always_inline __u32 medulla_pin_of(__u64 word)
{
	return word & MEDULLA_PIN_MASK;
}

static __always_inline __u64 medulla_with_pin(__u64 word, __u32 pin)
{
	return (word & ~(__u64)MEDULLA_PIN_MASK) | pin;
}

/* The slot of this program set that a flow's word names; no slot when it is another's, or none. */
static __always_inline __u32 medulla_own_slot(const struct medulla_control *control, __u64 word)
{
	__u32 slot = medulla_pin_of(word) - control->first_pin;

	return slot < MEDULLA_SLOTS ? slot : MEDULLA_NO_SLOT;
}

/* Puts a flow on the active slot, whose pin it gives; MEDULLA_NO_PIN when there is none. */
static __always_inline __u32 medulla_take_pin(void)
{
	const struct medulla_control *control = medulla_get_control();
	__u32 active = control ? medulla_active_slot(control) : MEDULLA_NO_SLOT;
	struct medulla_flows *flows;
	__u32 pin;

	if (!control || active >= MEDULLA_SLOTS)
		return MEDULLA_NO_PIN;
	pin = control->first_pin + active;
	flows = bpf_map_lookup_elem(&medulla_flows, &pin);
	if (!flows)
		return MEDULLA_NO_PIN;
	medulla_count(&flows->held, 1);
	medulla_count(&flows->taken, 1);
	return pin;
}

/* For whoever took the pin out of the flow's word; one that was counted on none is on no count. */
static __always_inline void medulla_release_pin(__u64 word)
{
	__u32 pin = medulla_pin_of(word);
	struct medulla_flows *flows = bpf_map_lookup_elem(&medulla_flows, &pin);

	if (flows)
		medulla_count(&flows->held, -1);
}

/* Whether a limit of the instance's drain has passed since `since_ns`. */
static __always_inline int medulla_is_overdue(const struct medulla_control *control, __u64 since_ns,
					       __u64 now_ns)
{
	return control->drain_limit_ns && since_ns && now_ns > since_ns &&
	       now_ns - since_ns > control->drain_limit_ns;
}

/* Whether the flows of this whole program set are to leave it: on command, or past the drain limit. */
static __always_inline int medulla_must_leave(const struct medulla_control *control, __u64 now_ns)
{
	return (control->options & MEDULLA_RETIRED) || medulla_is_overdue(control, control->left_ns, now_ns);
}

/* Changes the pin in a flow's word from that of `old`, with the counts of both; 0 when another came first. */
static __always_inline int medulla_move_pin(__u64 *word, __u64 old, __u32 new)
{
	__u32 pin = medulla_pin_of(old);
	struct medulla_flows *from = bpf_map_lookup_elem(&medulla_flows, &pin);
	struct medulla_flows *to = bpf_map_lookup_elem(&medulla_flows, &new);

	if (__sync_val_compare_and_swap(word, old, medulla_with_pin(old, new)) != old)
		return 0;
	if (from) {
		medulla_count(&from->held, -1);
		medulla_count(&from->moved, 1);
	}
	if (to) {
		medulla_count(&to->held, 1);
		medulla_count(&to->taken, 1);
	}
	return 1;
}

/*
 * Moves a flow of this program set to its active slot when its own is to be emptied: on command, or because
 * the drain limit has passed, or because flows need no consistency. The slot that it is on then; a flow that
 * is on none, and so on no count, stays on none.
 */
static __always_inline __u32 medulla_follow(const struct medulla_control *control, __u64 *word, __u64 now_ns)
{
	__u64 old = *(volatile __u64 *)word;
	__u32 slot = medulla_own_slot(control, old);
	__u32 active = medulla_active_slot(control);

	if (slot >= MEDULLA_SLOTS || active >= MEDULLA_SLOTS || slot == active)
		return slot;
	if (!(control->options & MEDULLA_FOLLOW) && !(control->slots[slot].flags & MEDULLA_SLOT_MOVE) &&
	    !medulla_is_overdue(control, control->slots[slot].retired_ns, now_ns))
		return slot;
	if (!medulla_move_pin(word, old, control->first_pin + active))
		return medulla_own_slot(control, *(volatile __u64 *)word);
	return active;
}

static __always_inline struct medulla_counts *medulla_get_counts(__u32 slot)
{
	return bpf_map_lookup_elem(&medulla_counts, &slot);
}

static __always_inline void medulla_count_time(struct medulla_counts *counts, __u64 nanoseconds)
{
	medulla_count(&counts->measured, 1);
	medulla_count(&counts->measured_ns, nanoseconds);
	medulla_count_least(&counts->measured_min_ns, nanoseconds);
	medulla_count_most(&counts->measured_max_ns, nanoseconds);
}

/* A function of its own, not static: the verifier then walks it once, for any image, instead of on each way
 * that leads to it. */
__noinline int medulla_run(const struct medulla_image *image, struct medulla_scratch *scratch)
{
	if (!image || !scratch)
		return 0;
	medulla_infer(image, scratch);
	return 1;
}

/*
 * One inference on the snapshot of `slot`. features: MEDULLA_INPUTS words, outputs: MEDULLA_OUTPUTS
 * words, both fixed point in the shape's formats. 0, or -1 when there was no slot or no workspace.
 */
static __always_inline int medulla_infer_slot(__u32 slot, const __s64 *features, __s64 *outputs)
{
	const struct medulla_image *image = bpf_map_lookup_elem(&medulla_slots, &slot);
	struct medulla_workspace *workspace;

	if (!image)
		return -1;
	workspace = medulla_take_workspace();
	if (!workspace)
		return -1;
	for (int i = 0; i < MEDULLA_INPUTS; i++)
		workspace->scratch.words[MEDULLA_FEATURES_OFFSET + i] = features[i];
	medulla_run(image, &workspace->scratch);
	for (int i = 0; i < MEDULLA_OUTPUTS; i++)
		outputs[i] = workspace->scratch.words[MEDULLA_OUTPUTS_OFFSET + i];
	medulla_give_workspace(workspace);
	return 0;
}

/* The sizes are the caller's own, checked when it is compiled against the shape. */
#ifdef MEDULLA_UNCHECKED
#define MEDULLA_CHECK_SIZES(features, outputs) _Static_assert(1, "")
#else
#define MEDULLA_CHECK_SIZES(features, outputs)                                                            \
	_Static_assert(sizeof(*(features)) == sizeof(__s64) * MEDULLA_INPUTS, "features' size");         \
	_Static_assert(sizeof(*(outputs)) == sizeof(__s64) * MEDULLA_OUTPUTS, "outputs' size")
#endif

/* One inference on the active snapshot, for a caller that needs no flow consistency. */
#define medulla_query(features, outputs)                                                              \
	({                                                                                             \
		MEDULLA_CHECK_SIZES(features, outputs);                                                \
		medulla_query_active(*(features), *(outputs));                                         \
	})

static __always_inline int medulla_query_active(const __s64 *features, __s64 *outputs)
{
	const struct medulla_control *control = medulla_get_control();

	return control ? medulla_infer_slot(medulla_active_slot(control), features, outputs) : -1;
}

#include "medulla_shadow.bpf.h"
#include "medulla_decide.bpf.h"
#include "medulla_sample.bpf.h"
#include "medulla_live.bpf.h"
#include "medulla_function.bpf.h"

#endif /* MEDULLA_BPF_H */
