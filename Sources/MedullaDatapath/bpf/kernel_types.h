/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel types that programs of any function touch, and of each only the members that they touch. libbpf
 * moves every access to where the running kernel has the member (CO-RE), so the order here means nothing.
 * Types of one function are in a header of its own.
 */
#ifndef MEDULLA_KERNEL_TYPES_H
#define MEDULLA_KERNEL_TYPES_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define MEDULLA_CORE __attribute__((preserve_access_index))

struct bpf_iter_meta {
	struct seq_file *seq;
} MEDULLA_CORE;

#endif /* MEDULLA_KERNEL_TYPES_H */
