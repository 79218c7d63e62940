// SPDX-License-Identifier: Apache-2.0
#include "onnxruntime_table.h"

#define AT(function, place)                                                                        \
	_Static_assert(offsetof(struct ort_table, function) == (place) * sizeof(void *),           \
		       "OrtApi has it at " #place)

AT(error_message, 2); // GetErrorMessage
AT(create_env, 4); // CreateEnvWithCustomLogger
AT(disable_telemetry, 6); // DisableTelemetryEvents
AT(create_session, 7); // CreateSession
AT(create_session_of_bytes, 8); // CreateSessionFromArray
AT(run, 9); // Run
AT(create_options, 10); // CreateSessionOptions
AT(set_optimization, 23); // SetSessionGraphOptimizationLevel
AT(set_threads, 24); // SetIntraOpNumThreads
AT(input_count, 30); // SessionGetInputCount
AT(output_count, 31); // SessionGetOutputCount
AT(input_type, 33); // SessionGetInputTypeInfo
AT(output_type, 34); // SessionGetOutputTypeInfo
AT(input_name, 36); // SessionGetInputName
AT(output_name, 37); // SessionGetOutputName
AT(create_tensor, 49); // CreateTensorWithDataAsOrtValue
AT(data, 51); // GetTensorMutableData
AT(tensor_type, 55); // CastTypeInfoToTensorInfo
AT(kind, 56); // GetOnnxTypeFromTypeInfo
AT(element, 60); // GetTensorElementType
AT(rank, 61); // GetDimensionsCount
AT(dimensions, 62); // GetDimensions
AT(create_memory, 68); // CreateMemoryInfo
AT(create_host_memory, 69); // CreateCpuMemoryInfo
AT(free, 76); // AllocatorFree
AT(allocator, 78); // GetAllocatorWithDefaultOptions
AT(release_env, 92); // ReleaseEnv
AT(release_status, 93); // ReleaseStatus
AT(release_memory, 94); // ReleaseMemoryInfo
AT(release_session, 95); // ReleaseSession
AT(release_value, 96); // ReleaseValue
AT(release_type, 98); // ReleaseTypeInfo
AT(release_options, 100); // ReleaseSessionOptions
AT(providers, 125); // GetAvailableProviders
AT(release_providers, 126); // ReleaseAvailableProviders
AT(set_entry, 130); // AddSessionConfigEntry
AT(append_cuda, 204); // SessionOptionsAppendExecutionProvider_CUDA_V2
AT(create_cuda_options, 205); // CreateCUDAProviderOptions
AT(set_cuda_options, 206); // UpdateCUDAProviderOptions
AT(release_cuda_options, 208); // ReleaseCUDAProviderOptions
