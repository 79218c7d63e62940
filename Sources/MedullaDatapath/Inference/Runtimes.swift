import MedullaRuntime

/// Every runtime that a compiled network has. Commands, benchmarks and the inference suite go over this list;
/// a new runtime is one type and one line here.
package enum Runtimes {
  package static let all: [any Runtime] = [
    FloatRuntime(),
    ReferenceRuntime(),
    NativeRuntime.scalar,
    NativeRuntime.simd,
    NativeRuntime.packed,
    KernelRuntime(),
  ]

  package static var names: [String] { all.map(\.name) }

  /// - Throws: `unknown` with the names that there are.
  package static func named(_ name: String) throws(RuntimeError) -> any Runtime {
    guard let runtime = all.first(where: { $0.name == name }) else {
      throw RuntimeError(
        .unknown, "no runtime is called \(name)",
        remedy: "there are " + names.joined(separator: ", "))
    }
    return runtime
  }
}
