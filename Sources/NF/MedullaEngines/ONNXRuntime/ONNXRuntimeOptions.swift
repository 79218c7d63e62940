import CEngines
import MedullaBase

/// ONNX Runtime's options of one session.
final class ONNXRuntimeOptions {
  let object: OpaquePointer
  private let library: ONNXRuntimeLibrary

  init(_ library: ONNXRuntimeLibrary, _ options: EngineOptions) throws(EngineError) {
    try options.check()
    self.library = library
    let table = library.table
    object = try library.made(.failed, "ONNX Runtime cannot make options", table.create_options)
    try library.check(
      table.set_optimization(object, Int32(ORT_OPTIMIZE_ALL)), .failed,
      "ONNX Runtime cannot optimize graphs")
    if let threads = options.threads {
      try library.check(
        table.set_threads(object, Int32(threads)), .badOption,
        "ONNX Runtime cannot take \(threads) threads")
    }
    if options.threadsSleep { try set("session.intra_op.allow_spinning", "0") }
  }

  deinit { library.table.release_options(object) }

  func set(_ key: String, _ value: String) throws(EngineError) {
    try library.check(
      library.table.set_entry(object, key, value), .badOption, "ONNX Runtime does not take \(key) = \(value)")
  }
}
