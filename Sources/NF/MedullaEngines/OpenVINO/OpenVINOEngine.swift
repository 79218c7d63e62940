import CEngines
import MedullaBase

/// OpenVINO on this machine's processors, for those who ask for it: it can compute in bfloat16.
package struct OpenVINOEngine: Engine {
  package let name = "openvino"
  package let device = TensorDevice.host
  private let library: OpenedOnce<OpenVINOLibrary>

  package init(search: EngineSearch = EngineSearch()) {
    library = OpenedOnce { () throws(EngineError) in try OpenVINOLibrary(search) }
  }

  package var summary: String {
    library.value.map { "OpenVINO \($0.version) on the processor" } ?? "OpenVINO on the processor"
  }

  package var obstacle: EngineError? { library.error }

  package func load(
    _ model: EngineModel, options: EngineOptions
  ) throws(EngineError) -> any LoadedModel {
    let library = try library.get()
    try options.check()
    let calls = library.calls
    let read = try calls.made(.badModel, "OpenVINO cannot read \(model.title)") { object in
      switch model {
      case .file(let path): calls.read_model(library.core, path, nil, object)
      case .bytes(let bytes):
        bytes.withUnsafeBytes { bytes in
          guard let start = bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return Int32(-1) }
          return calls.read_bytes(library.core, start, bytes.count, nil, object)
        }
      }
    }
    defer { calls.free_model(read) }
    let precision = options.isReducedPrecision ? "bf16" : "f32"
    let compiled = try calls.made(.badModel, "OpenVINO cannot compile \(model.title)") { object in
      precision.withCString { precision in
        String(options.threads ?? 0).withCString { threads in
          withUnsafePointer(to: calls) {
            openvino_compile(
              $0, library.core, read, ov_settings(precision: precision, threads: threads), object)
          }
        }
      }
    }
    do throws(EngineError) {
      try check(compiled, computes: precision, calls)
      return try OpenVINOModel(library, compiled, model.title)
    } catch {
      calls.free_compiled(compiled)
      throw error
    }
  }

  /// That the library took the precision that was asked for.
  private func check(
    _ compiled: OpaquePointer, computes precision: String, _ calls: ov_calls
  ) throws(EngineError) {
    var text: UnsafeMutablePointer<CChar>?
    try calls.check(
      calls.property(compiled, "INFERENCE_PRECISION_HINT", &text), .failed,
      "OpenVINO does not tell its precision")
    guard let text else { return }
    let taken = String(cString: text)
    calls.free_text(text)
    guard taken == precision else {
      throw EngineError(
        .unavailable, "OpenVINO computes in \(taken) on this processor, not in \(precision)",
        remedy: "leave reduced precision out")
    }
  }
}
