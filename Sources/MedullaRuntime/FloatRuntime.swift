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
    return try run(values: rows.map(shape.values(ofFeatures:))).map(shape.fixedPoint(outputs:))
  }

  func run(values rows: [[Float]]) throws -> [[Double]] {
    try check(rows)
    return try rows.map { row in
      try reference.run(row.map { $0.isNaN ? 0 : $0 }).map(Double.init)
    }
  }
}
