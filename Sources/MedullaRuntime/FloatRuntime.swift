import MedullaModel
import MedullaSnapshot

/// The float network itself: what quantization errors are measured against.
package struct FloatRuntime: Runtime {
  package let name = "float"
  package let summary = "the float network"
  package let promise = RuntimePromise.float(within: 0)
  package let obstacle: RuntimeError? = nil

  package init() {}

  package func load(_ network: CompiledNetwork) throws -> any LoadedNetwork {
    LoadedFloatNetwork(
      shape: network.snapshot.shape, reference: FloatReference(try network.network()))
  }
}

private final class LoadedFloatNetwork: LoadedNetwork {
  let shape: ProgramShape
  private let reference: FloatReference

  init(shape: ProgramShape, reference: FloatReference) {
    self.shape = shape
    self.reference = reference
  }

  func run(words rows: [[Int64]]) throws -> [[Int64]] {
    try check(rows)
    return try outputs(of: rows.map(shape.values(ofFeatures:))).map(shape.fixedPoint(outputs:))
  }

  func run(values rows: [[Float]]) throws -> [[Double]] {
    try check(rows)
    try checkFinite(rows)
    let outputs = try outputs(of: rows)
    if let row = outputs.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
      throw RuntimeError(
        .notFinite, "the float network leaves float32 on row \(row)",
        remedy: "give values of the size that the network was trained on")
    }
    return outputs
  }

  private func outputs(of rows: [[Float]]) throws -> [[Double]] {
    try rows.map { try reference.run($0).map(Double.init) }
  }
}
