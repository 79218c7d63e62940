// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <string.h>

#include "openvino_calls.h"

// In the order of struct ov_calls.
static const char *const names[] = {
	"ov_get_openvino_version",
	"ov_version_free",
	"ov_get_last_err_msg",
	"ov_free",
	"ov_core_create",
	"ov_core_free",
	"ov_core_read_model",
	"ov_core_read_model_from_memory_buffer",
	"ov_model_free",
	"ov_core_compile_model",
	"ov_compiled_model_free",
	"ov_compiled_model_get_property",
	"ov_compiled_model_inputs_size",
	"ov_compiled_model_outputs_size",
	"ov_compiled_model_input_by_index",
	"ov_compiled_model_output_by_index",
	"ov_port_get_any_name",
	"ov_port_get_element_type",
	"ov_port_get_partial_shape",
	"ov_partial_shape_free",
	"ov_output_const_port_free",
	"ov_compiled_model_create_infer_request",
	"ov_infer_request_free",
	"ov_infer_request_set_input_tensor_by_index",
	"ov_infer_request_set_output_tensor_by_index",
	"ov_infer_request_get_output_tensor_by_index",
	"ov_infer_request_infer",
	"ov_tensor_create_from_host_ptr",
	"ov_tensor_free",
	"ov_tensor_get_shape",
	"ov_shape_free",
	"ov_tensor_get_byte_size",
	"ov_tensor_data",
};

enum { COUNT = sizeof(names) / sizeof(names[0]) };

_Static_assert(sizeof(struct ov_calls) == COUNT * sizeof(void *), "every function has its name");

const char *openvino_look_up(void *library, struct ov_calls *calls)
{
	void *found[COUNT];

	for (int i = 0; i < COUNT; i++) {
		found[i] = dlsym(library, names[i]);
		if (!found[i])
			return names[i];
	}
	memcpy(calls, found, sizeof(found));
	return NULL;
}

int openvino_compile(const struct ov_calls *calls, const struct ov_core *core, const struct ov_model *model,
		     struct ov_settings settings, struct ov_compiled **compiled)
{
	int (*compile)(const struct ov_core *, const struct ov_model *, const char *, size_t,
		       struct ov_compiled **, ...);

	memcpy(&compile, &calls->compile, sizeof(compile));
	// Each pair counts as two.
	return compile(core, model, "CPU", 8, compiled, "PERFORMANCE_HINT", "LATENCY", "NUM_STREAMS", "1",
		       "INFERENCE_PRECISION_HINT", settings.precision, "INFERENCE_NUM_THREADS",
		       settings.threads);
}
