/* SPDX-License-Identifier: Apache-2.0 */
/* libbpf for Swift, with what Swift cannot reach: option macros and fields newer than the headers. */
#pragma once
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The formatted text in memory of its own, or NULL. */
static inline char *medulla_format(const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return NULL;
	text = (char *)malloc((size_t)length + 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

/* Whether a BPF file system (BPF_FS_MAGIC) is mounted at `path`. */
static inline int medulla_is_bpf_mount(const char *path)
{
	struct statfs facts;

	return statfs(path, &facts) == 0 && (unsigned long)facts.f_type == 0xcafe4a11ul;
}

/* Bytes of machine code of each of a program's first `count` functions. */
static inline int medulla_function_lengths(int program, __u32 *lengths, __u32 count)
{
	struct bpf_prog_info info = {
		.nr_jited_func_lens = count,
		.jited_func_lens = (__u64)(unsigned long)lengths,
	};
	__u32 size = sizeof(info);

	return bpf_prog_get_info_by_fd(program, &info, &size);
}

/* One BPF_PROG_TEST_RUN over a packet of `size` bytes; the kernel averages the time over `repeat`. */
static inline int medulla_test_run(int program, const void *packet, __u32 size, int repeat, __u32 *result,
				   __u32 *nanoseconds)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = size, .repeat = repeat);
	int error = bpf_prog_test_run_opts(program, &options);

	*result = options.retval;
	*nanoseconds = options.duration;
	return error;
}

/*
 * One run over a packet, whose bytes come back in `out`, of which *out_size are there. segment: the payload
 * of each segment that a packet for tc stands for; 0: it is one packet.
 */
static inline int medulla_test_packet(int program, const void *packet, __u32 size, __u32 segment, void *out,
				      __u32 *out_size, __u32 *result)
{
	struct __sk_buff context;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = size, .data_out = out,
		    .data_size_out = *out_size, .repeat = 1);
	int error;

	memset(&context, 0, sizeof(context));
	context.gso_size = segment;
	if (segment) {
		options.ctx_in = &context;
		options.ctx_size_in = sizeof(context);
	}
	error = bpf_prog_test_run_opts(program, &options);
	*result = options.retval;
	*out_size = options.data_size_out;
	return error;
}

/*
 * Sends `count` frames of a packet's bytes through an XDP program, in batches, as if they had come in at
 * `device`; what the program makes of each is done (BPF_F_TEST_XDP_LIVE_FRAMES).
 */
static inline int medulla_send_frames(int program, const void *packet, __u32 size, int count, __u32 device,
				      __u32 batch)
{
	struct xdp_md context;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = size, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = batch);

	memset(&context, 0, sizeof(context));
	context.data_end = size;
	context.ingress_ifindex = device;
	return bpf_prog_test_run_opts(program, &options);
}

/* Opens an object from memory under a name of our own. */
static inline struct bpf_object *medulla_open_object(const void *bytes, size_t size, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);

	return bpf_object__open_mem(bytes, size, &options);
}

/* What a link is and points at. Headers may be older than the kernel, so two fields are read by their place:
 * the first of the union, struct_ops.map_id (Linux 6.4) or an interface's index, and tcx.attach_type after
 * it. */
struct medulla_link_facts {
	__u32 type;
	__u32 program;
	__u32 first;
	__u32 second;
};

#define MEDULLA_LINK_XDP 6u
#define MEDULLA_LINK_STRUCT_OPS 9u
#define MEDULLA_LINK_TCX 11u /* Linux 6.6 */
#define MEDULLA_TCX_INGRESS 46
#define MEDULLA_TCX_EGRESS 47

static inline int medulla_read_link(int link, struct medulla_link_facts *facts)
{
	struct bpf_link_info info;
	__u32 size = sizeof(info);
	int error;

	memset(&info, 0, sizeof(info));
	error = bpf_link_get_info_by_fd(link, &info, &size);
	facts->type = info.type;
	facts->program = info.prog_id;
	facts->first = info.xdp.ifindex;
	memcpy(&facts->second, (const char *)&info.xdp + sizeof(__u32), sizeof(__u32));
	return error;
}

/* A link of a program to a network interface; attach: BPF_XDP or MEDULLA_TCX_…. */
static inline int medulla_link_interface(int program, int interface, int attach)
{
	return bpf_link_create(program, interface, (enum bpf_attach_type)attach, NULL);
}

static inline int medulla_create_map(enum bpf_map_type type, const char *name, __u32 key, __u32 value,
				     __u32 entries, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);

	return bpf_map_create(type, name, key, value, entries, &options);
}

/* Whether the kernel loads iterators over the memory of sockets: some builds refuse just these. */
static inline int medulla_allows_socket_storage_iterator(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_ITER);
	int program = libbpf_find_vmlinux_btf_id("bpf_sk_storage_map", BPF_TRACE_ITER);

	if (program <= 0)
		return 0;
	options.attach_btf_id = (__u32)program;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "probe", "GPL", code, sizeof(code) / sizeof(*code),
				&options);
	if (program < 0)
		return 0;
	close(program);
	return 1;
}

/* A link of an iterator program over all that it is of. */
static inline int medulla_link_iterator(int program)
{
	return bpf_link_create(program, 0, BPF_TRACE_ITER, NULL);
}

/* A link of an iterator program to one map. */
static inline int medulla_link_map_iterator(int program, int map)
{
	union bpf_iter_link_info target;
	LIBBPF_OPTS(bpf_link_create_opts, options);

	memset(&target, 0, sizeof(target));
	target.map.map_fd = (__u32)map;
	options.iter_info = &target;
	options.iter_info_len = sizeof(target);
	return bpf_link_create(program, 0, BPF_TRACE_ITER, &options);
}

/* Shared memory that a kernel program reads and writes at the same time. */
static inline __u32 medulla_load32(const void *word)
{
	return __atomic_load_n((const __u32 *)word, __ATOMIC_ACQUIRE);
}

static inline __u64 medulla_load64(const void *word)
{
	return __atomic_load_n((const __u64 *)word, __ATOMIC_ACQUIRE);
}

static inline void medulla_store32(void *word, __u32 value)
{
	__atomic_store_n((__u32 *)word, value, __ATOMIC_RELEASE);
}

static inline void medulla_store64(void *word, __u64 value)
{
	__atomic_store_n((__u64 *)word, value, __ATOMIC_RELEASE);
}

/* Release does not hold back what is stored after it, nor acquire what was loaded before it. */
static inline void medulla_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
