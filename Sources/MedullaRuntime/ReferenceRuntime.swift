import MedullaSnapshot

/// The reference interpreter: the definition of the integer network.
package struct ReferenceRuntime: Runtime {
  package let name = "reference"
  package let summary = "the reference interpreter, which defines the integer network"
  package let promise = RuntimePromise.exact
  package let obstacle: RuntimeError? = nil

  package init() {}

  package func load(_ network: CompiledNetwork) throws -> any LoadedNetwork {
    LoadedReference(ReferenceInterpreter(network.snapshot))
  }
}

private final class LoadedReference: LoadedNetwork {
  private let interpreter: ReferenceInterpreter

  init(_ interpreter: ReferenceInterpreter) {
    self.interpreter = interpreter
  }

  var shape: ProgramShape { interpreter.snapshot.shape }

  func run(words rows: [[Int64]]) throws -> [[Int64]] {
    try check(rows)
    return rows.map { interpreter.run(features: $0) }
  }
}
