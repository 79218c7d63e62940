// SPDX-License-Identifier: Apache-2.0
// The part of OpenVINO's C interface that is called here.
//
// Its library exports functions by name, which are looked up at run time; neither its headers nor the library
// are needed to build. Some take structures by value and one takes any number of arguments, so they are
// written down in C.
#ifndef MEDULLA_OPENVINO_CALLS_H
#define MEDULLA_OPENVINO_CALLS_H

#include <stddef.h>
#include <stdint.h>

// Kinds of elements since OpenVINO 2025. Before, another one stood first, so that each had the next number:
// whether a library counts like this is asked of it, by the size of a tensor of one element.
enum ov_element {
	OV_BOOL = 1,
	OV_BFLOAT16 = 2,
	OV_FLOAT16 = 3,
	OV_FLOAT32 = 4,
	OV_FLOAT64 = 5,
	OV_INT8 = 7,
	OV_INT16 = 8,
	OV_INT32 = 9,
	OV_INT64 = 10,
	OV_UINT8 = 16,
	OV_UINT16 = 17,
	OV_UINT32 = 18,
	OV_UINT64 = 19,
	OV_STRING = 23,
};

struct ov_core;
struct ov_model;
struct ov_compiled;
struct ov_request;
struct ov_port;
struct ov_tensor;

#pragma clang assume_nonnull begin

struct ov_version {
	const char *_Nullable build;
	const char *_Nullable description;
};

struct ov_shape {
	int64_t rank;
	int64_t *_Nullable sizes;
};

// A size between two bounds; of any size are those whose bounds differ.
struct ov_size {
	int64_t least;
	int64_t most;
};

struct ov_partial_shape {
	struct ov_size rank;
	struct ov_size *_Nullable sizes;
};

// All give 0, or a negative code of which ov_get_last_err_msg tells more.
struct ov_calls {
	int (*_Nonnull version)(struct ov_version *version);
	void (*_Nonnull free_version)(struct ov_version *version);
	const char *_Nullable (*_Nonnull message)(void);
	void (*_Nonnull free_text)(const char *text);

	int (*_Nonnull create_core)(struct ov_core *_Nullable *_Nonnull core);
	void (*_Nonnull free_core)(struct ov_core *_Nullable core);
	int (*_Nonnull read_model)(const struct ov_core *core, const char *path,
				   const char *_Nullable weights,
				   struct ov_model *_Nullable *_Nonnull model);
	int (*_Nonnull read_bytes)(const struct ov_core *core, const char *bytes, size_t count,
				   const struct ov_tensor *_Nullable weights,
				   struct ov_model *_Nullable *_Nonnull model);
	void (*_Nonnull free_model)(struct ov_model *_Nullable model);
	// Any number of pairs of texts follows; openvino_compile gives them.
	void *_Nonnull compile;
	void (*_Nonnull free_compiled)(struct ov_compiled *_Nullable compiled);
	int (*_Nonnull property)(const struct ov_compiled *compiled, const char *key,
				 char *_Nullable *_Nonnull value);

	int (*_Nonnull input_count)(const struct ov_compiled *compiled, size_t *count);
	int (*_Nonnull output_count)(const struct ov_compiled *compiled, size_t *count);
	int (*_Nonnull input)(const struct ov_compiled *compiled, size_t index,
			      struct ov_port *_Nullable *_Nonnull port);
	int (*_Nonnull output)(const struct ov_compiled *compiled, size_t index,
			       struct ov_port *_Nullable *_Nonnull port);
	int (*_Nonnull name)(const struct ov_port *port, char *_Nullable *_Nonnull name);
	int (*_Nonnull element)(const struct ov_port *port, int *element);
	int (*_Nonnull shape)(const struct ov_port *port, struct ov_partial_shape *shape);
	void (*_Nonnull free_shape)(struct ov_partial_shape *shape);
	void (*_Nonnull free_port)(struct ov_port *_Nullable port);

	int (*_Nonnull create_request)(const struct ov_compiled *compiled,
				       struct ov_request *_Nullable *_Nonnull request);
	void (*_Nonnull free_request)(struct ov_request *_Nullable request);
	int (*_Nonnull set_input)(struct ov_request *request, size_t index,
				  const struct ov_tensor *tensor);
	int (*_Nonnull set_output)(struct ov_request *request, size_t index,
				   const struct ov_tensor *tensor);
	int (*_Nonnull get_output)(const struct ov_request *request, size_t index,
				   struct ov_tensor *_Nullable *_Nonnull tensor);
	int (*_Nonnull infer)(struct ov_request *request);

	int (*_Nonnull create_tensor)(int element, struct ov_shape shape, void *data,
				      struct ov_tensor *_Nullable *_Nonnull tensor);
	void (*_Nonnull free_tensor)(struct ov_tensor *_Nullable tensor);
	int (*_Nonnull tensor_shape)(const struct ov_tensor *tensor, struct ov_shape *shape);
	int (*_Nonnull free_sizes)(struct ov_shape *shape);
	int (*_Nonnull tensor_bytes)(const struct ov_tensor *tensor, size_t *bytes);
	int (*_Nonnull tensor_data)(const struct ov_tensor *tensor, void *_Nullable *_Nonnull data);
};

// Looks the functions up in a library that dlopen gave.
//
// Returns NULL, or the name of the first that is not there.
const char *_Nullable openvino_look_up(void *library, struct ov_calls *calls);

// What a model is compiled with.
struct ov_settings {
	// "f32" or "bf16".
	const char *precision;
	// As digits; "0": as many as the library thinks best.
	const char *threads;
};

// Compiles a model for this machine's processor, for one inference at a time.
int openvino_compile(const struct ov_calls *calls, const struct ov_core *core, const struct ov_model *model,
		     struct ov_settings settings, struct ov_compiled *_Nullable *_Nonnull compiled);

#pragma clang assume_nonnull end

#endif
