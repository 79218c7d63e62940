import CEngines
import Glibc
import MedullaBase

/// ONNX Runtime on a CUDA device, with tensors by their addresses in the device's memory.
///
/// It needs a library that was built with CUDA, as Python's package onnxruntime-gpu carries one, and CUDA's
/// and cuDNN's libraries where the linker finds them. It computes in the device's primary context, which
/// tensors must be of (`cuDevicePrimaryCtxRetain`), and has finished when a run returns. What it has no
/// kernel for on the device it runs on the processor. All that needs such a device is in this file.
package struct ONNXRuntimeCUDAEngine: Engine {
  static let provider = "CUDAExecutionProvider"
  static let ordinals = 0...63

  package let name = "onnxruntime-cuda"
  package let device: TensorDevice
  private let ordinal: Int
  private let library: OpenedOnce<ONNXRuntimeLibrary>

  package init(ordinal: Int = 0, search: EngineSearch = EngineSearch()) {
    self.ordinal = ordinal
    device = .cuda(ordinal: ordinal)
    library = OpenedOnce { () throws(EngineError) in
      let library = try ONNXRuntimeLibrary(search)
      try Self.check(library)
      return library
    }
  }

  package var summary: String {
    library.value.map { "ONNX Runtime \($0.version) on CUDA device \(ordinal)" }
      ?? "ONNX Runtime on a CUDA device"
  }

  package var obstacle: EngineError? { library.error }

  package func load(
    _ model: EngineModel, options: EngineOptions
  ) throws(EngineError) -> any LoadedModel {
    let library = try library.get()
    guard Self.ordinals.contains(ordinal) else {
      throw EngineError(.badOption, "there is no CUDA device \(ordinal)", remedy: "devices count from 0")
    }
    guard !options.isReducedPrecision else {
      throw EngineError(
        .unavailable, "ONNX Runtime computes in the model's own precision on CUDA",
        remedy: "export the model in float16 or bfloat16, or leave reduced precision out")
    }
    let settings = try ONNXRuntimeOptions(library, options)
    try append(to: settings, library)
    return try ONNXRuntimeModel(library, model, settings, memory: device)
  }

  /// That the library has the provider, and the machine a driver.
  private static func check(_ library: ONNXRuntimeLibrary) throws(EngineError) {
    let providers = try library.providers()
    guard providers.contains(provider) else {
      throw EngineError(
        .unavailable, "ONNX Runtime \(library.version) was built without CUDA",
        cause: "\(library.path) has \(providers.joined(separator: ", "))",
        remedy: "python -m pip install onnxruntime-gpu, and name its folder in MEDULLA_ONNXRUNTIME")
    }
    guard dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) != nil else {
      throw EngineError(
        .unavailable, "there is no CUDA driver on this machine",
        cause: dlerror().map { String(cString: $0) } ?? "", remedy: "install NVIDIA's driver")
    }
  }

  private func append(
    to options: ONNXRuntimeOptions, _ library: ONNXRuntimeLibrary
  ) throws(EngineError) {
    let table = library.table
    let cuda = try library.made(.failed, "ONNX Runtime cannot make CUDA options", table.create_cuda_options)
    defer { table.release_cuda_options(cuda) }
    let status = "device_id".withCString { key in
      String(ordinal).withCString { value in
        var (keys, values): (UnsafePointer<CChar>?, UnsafePointer<CChar>?) = (key, value)
        return table.set_cuda_options(cuda, &keys, &values, 1)
      }
    }
    try library.check(status, .badOption, "ONNX Runtime does not take CUDA device \(ordinal)")
    try library.check(
      table.append_cuda(options.object, cuda), .unavailable,
      "ONNX Runtime cannot use CUDA device \(ordinal)",
      remedy: "CUDA's and cuDNN's libraries must be of the versions that this ONNX Runtime names")
  }
}
