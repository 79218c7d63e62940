import MedullaBase

/// The engines that there are. A new one is a line here.
package enum EngineList {
  /// The first is meant where none is named.
  package static let all: [any Engine] = [
    ONNXRuntimeEngine(), OpenVINOEngine(), ONNXRuntimeCUDAEngine(), ReferenceEngine(),
  ]

  /// - Throws: `unavailable` for a name that no engine has.
  package static func named(_ name: String) throws(EngineError) -> any Engine {
    if let engine = all.first(where: { $0.name == name }) { return engine }
    throw EngineError(
      .unavailable, "there is no engine \"\(name)\"",
      remedy: "use one of \(all.map(\.name).joined(separator: ", "))")
  }
}
