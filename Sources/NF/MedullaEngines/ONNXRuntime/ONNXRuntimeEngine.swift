import CEngines
import MedullaBase

/// ONNX Runtime on this machine's processors: the engine that is meant where none is named.
package struct ONNXRuntimeEngine: Engine {
  package let name = "onnxruntime"
  package let device = TensorDevice.host
  let library: OpenedOnce<ONNXRuntimeLibrary>

  package init(search: EngineSearch = EngineSearch()) {
    library = OpenedOnce { () throws(EngineError) in try ONNXRuntimeLibrary(search) }
  }

  package var summary: String {
    library.value.map { "ONNX Runtime \($0.version) on the processor" } ?? "ONNX Runtime on the processor"
  }

  package var obstacle: EngineError? { library.error }

  /// The library's file; nil where it is not there.
  package var path: String? { library.value?.path }

  package func load(
    _ model: EngineModel, options: EngineOptions
  ) throws(EngineError) -> any LoadedModel {
    let library = try library.get()
    guard !options.isReducedPrecision else {
      throw EngineError(
        .unavailable, "ONNX Runtime computes in the model's own precision on processors",
        remedy: "leave reduced precision out, or use openvino")
    }
    let settings = try ONNXRuntimeOptions(library, options)
    return try ONNXRuntimeModel(library, model, settings, memory: .host)
  }
}
