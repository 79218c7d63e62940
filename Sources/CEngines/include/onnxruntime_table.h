// SPDX-License-Identifier: Apache-2.0
// The part of ONNX Runtime's interface that is called here.
//
// ONNX Runtime hands out a table of pointers to functions. A place in it keeps its function for good: new
// versions only add at the end. So the table is written down here with gaps for what is not called, and a
// library of version 1.11 or later can be opened at run time; neither its headers nor the library are needed
// to build. onnxruntime_table.c asserts the place of every function, counted from 0.
#ifndef MEDULLA_ONNXRUNTIME_TABLE_H
#define MEDULLA_ONNXRUNTIME_TABLE_H

#include <stddef.h>
#include <stdint.h>

// The version of the table that is asked for: that of ONNX Runtime 1.11.
#define ORT_TABLE_VERSION 11

// Kinds of elements, with ONNX's numbers.
enum ort_element {
	ORT_FLOAT32 = 1,
	ORT_UINT8 = 2,
	ORT_INT8 = 3,
	ORT_UINT16 = 4,
	ORT_INT16 = 5,
	ORT_INT32 = 6,
	ORT_INT64 = 7,
	ORT_STRING = 8,
	ORT_BOOL = 9,
	ORT_FLOAT16 = 10,
	ORT_FLOAT64 = 11,
	ORT_UINT32 = 12,
	ORT_UINT64 = 13,
	ORT_BFLOAT16 = 16,
};

// Kinds of values; all but tensors are refused.
enum ort_kind {
	ORT_KIND_TENSOR = 1,
	ORT_KIND_SEQUENCE = 2,
	ORT_KIND_MAP = 3,
};

enum ort_severity { ORT_WARNING = 2, ORT_ERROR = 3 };

// OrtAllocatorType and OrtMemType: the device's own memory, not from an arena.
enum { ORT_DEVICE_ALLOCATOR = 0, ORT_DEFAULT_MEMORY = 0 };

// GraphOptimizationLevel: all of them.
enum { ORT_OPTIMIZE_ALL = 99 };

struct ort_status;
struct ort_env;
struct ort_session;
struct ort_options;
struct ort_memory;
struct ort_allocator;
struct ort_value;
struct ort_type;
struct ort_tensor_type;
struct ort_cuda_options;

#pragma clang assume_nonnull begin

// A failure that the caller releases; NULL: none.
typedef struct ort_status *_Nullable ort_result;
typedef void (*ort_logger)(void *_Nullable context, int severity, const char *_Nullable category,
			   const char *_Nullable log, const char *_Nullable place,
			   const char *_Nullable message);

struct ort_table {
	void *_Nullable before_error_message[2];
	const char *_Nonnull (*_Nonnull error_message)(const struct ort_status *status);
	void *_Nullable before_create_env[1];
	ort_result (*_Nonnull create_env)(ort_logger logger, void *_Nullable context, int severity,
				 const char *log, struct ort_env *_Nullable *_Nonnull env);
	void *_Nullable before_disable_telemetry[1];
	ort_result (*_Nonnull disable_telemetry)(const struct ort_env *env);
	ort_result (*_Nonnull create_session)(const struct ort_env *env, const char *path,
				     const struct ort_options *options,
				     struct ort_session *_Nullable *_Nonnull session);
	ort_result (*_Nonnull create_session_of_bytes)(const struct ort_env *env, const void *_Nullable bytes,
					      size_t count, const struct ort_options *options,
					      struct ort_session *_Nullable *_Nonnull session);
	ort_result (*_Nonnull run)(struct ort_session *session, const void *_Nullable options,
			  const char *_Nullable const *_Nonnull input_names,
			  const struct ort_value *_Nullable const *_Nonnull inputs, size_t input_count,
			  const char *_Nullable const *_Nonnull output_names, size_t output_count,
			  struct ort_value *_Nullable *_Nonnull outputs);
	ort_result (*_Nonnull create_options)(struct ort_options *_Nullable *_Nonnull options);
	void *_Nullable before_set_optimization[12];
	ort_result (*_Nonnull set_optimization)(struct ort_options *options, int level);
	ort_result (*_Nonnull set_threads)(struct ort_options *options, int threads);
	void *_Nullable before_input_count[5];
	ort_result (*_Nonnull input_count)(const struct ort_session *session, size_t *count);
	ort_result (*_Nonnull output_count)(const struct ort_session *session, size_t *count);
	void *_Nullable before_input_type[1];
	ort_result (*_Nonnull input_type)(const struct ort_session *session, size_t index,
				 struct ort_type *_Nullable *_Nonnull type);
	ort_result (*_Nonnull output_type)(const struct ort_session *session, size_t index,
				  struct ort_type *_Nullable *_Nonnull type);
	void *_Nullable before_input_name[1];
	ort_result (*_Nonnull input_name)(const struct ort_session *session, size_t index,
				 struct ort_allocator *allocator, char *_Nullable *_Nonnull name);
	ort_result (*_Nonnull output_name)(const struct ort_session *session, size_t index,
				  struct ort_allocator *allocator, char *_Nullable *_Nonnull name);
	void *_Nullable before_create_tensor[11];
	ort_result (*_Nonnull create_tensor)(const struct ort_memory *memory, void *_Nullable data,
					     size_t bytes, const int64_t *_Nullable shape, size_t rank,
					     int element, struct ort_value *_Nullable *_Nonnull value);
	void *_Nullable before_data[1];
	ort_result (*_Nonnull data)(struct ort_value *value, void *_Nullable *_Nonnull data);
	void *_Nullable before_tensor_type[3];
	// What it gives lives as long as `type`.
	ort_result (*_Nonnull tensor_type)(const struct ort_type *type,
				  const struct ort_tensor_type *_Nullable *_Nonnull tensor);
	ort_result (*_Nonnull kind)(const struct ort_type *type, int *kind);
	void *_Nullable before_element[3];
	ort_result (*_Nonnull element)(const struct ort_tensor_type *tensor, int *element);
	ort_result (*_Nonnull rank)(const struct ort_tensor_type *tensor, size_t *rank);
	ort_result (*_Nonnull dimensions)(const struct ort_tensor_type *tensor, int64_t *_Nullable values,
				 size_t count);
	void *_Nullable before_create_memory[5];
	ort_result (*_Nonnull create_memory)(const char *name, int allocator, int ordinal, int kind,
				    struct ort_memory *_Nullable *_Nonnull memory);
	ort_result (*_Nonnull create_host_memory)(int allocator, int kind,
					 struct ort_memory *_Nullable *_Nonnull memory);
	void *_Nullable before_free[6];
	ort_result (*_Nonnull free)(struct ort_allocator *allocator, void *_Nullable bytes);
	void *_Nullable before_allocator[1];
	// The library's own; it is not released.
	ort_result (*_Nonnull allocator)(struct ort_allocator *_Nullable *_Nonnull allocator);
	void *_Nullable before_release_env[13];
	void (*_Nonnull release_env)(struct ort_env *_Nullable env);
	void (*_Nonnull release_status)(struct ort_status *_Nullable status);
	void (*_Nonnull release_memory)(struct ort_memory *_Nullable memory);
	void (*_Nonnull release_session)(struct ort_session *_Nullable session);
	void (*_Nonnull release_value)(struct ort_value *_Nullable value);
	void *_Nullable before_release_type[1];
	void (*_Nonnull release_type)(struct ort_type *_Nullable type);
	void *_Nullable before_release_options[1];
	void (*_Nonnull release_options)(struct ort_options *_Nullable options);
	void *_Nullable before_providers[24];
	ort_result (*_Nonnull providers)(char *_Nullable *_Nullable *_Nonnull names, int *count);
	ort_result (*_Nonnull release_providers)(char *_Nullable *_Nullable names, int count);
	void *_Nullable before_set_entry[3];
	ort_result (*_Nonnull set_entry)(struct ort_options *options, const char *key, const char *value);
	void *_Nullable before_append_cuda[73];
	ort_result (*_Nonnull append_cuda)(struct ort_options *options, const struct ort_cuda_options *cuda);
	ort_result (*_Nonnull create_cuda_options)(struct ort_cuda_options *_Nullable *_Nonnull cuda);
	ort_result (*_Nonnull set_cuda_options)(struct ort_cuda_options *cuda,
				       const char *_Nullable const *_Nonnull keys,
				       const char *_Nullable const *_Nonnull values, size_t count);
	void *_Nullable before_release_cuda_options[1];
	void (*_Nonnull release_cuda_options)(struct ort_cuda_options *_Nullable cuda);
};

// What the library's one exported function, OrtGetApiBase, points to.
struct ort_base {
	const struct ort_table *_Nullable (*_Nonnull table)(uint32_t version);
	const char *_Nonnull (*_Nonnull version)(void);
};

typedef const struct ort_base *_Nullable (*ort_get_base)(void);

#pragma clang assume_nonnull end

#endif
