import MedullaKernel
import MedullaSnapshot
import Synchronization

/// Inference in C that is compiled for this machine. Snapshots of one shape share the compiled code for as
/// long as one of them is loaded.
package final class NativeRuntime: Runtime {
  package let name: String
  package let summary: String
  package let promise = RuntimePromise.exact
  private let form: NativeForm
  private let tuning: NativeTuning
  private let libraries = Mutex<[ProgramShape: Shared]>([:])

  /// Forgets a library that nothing uses any more.
  private struct Shared {
    weak var library: NativeLibrary?
  }

  package init(name: String, summary: String, form: NativeForm, tuning: NativeTuning) {
    self.name = name
    self.summary = summary
    self.form = form
    self.tuning = tuning
  }

  package static let scalar = NativeRuntime(
    name: "native-scalar", summary: "plain C without vector instructions", form: .plain, tuning: .scalar)
  package static let simd = NativeRuntime(
    name: "native-simd", summary: "plain C with the processor's vector instructions", form: .plain,
    tuning: .simd)
  package static let packed = NativeRuntime(
    name: "native-packed", summary: "the kernel's own C, with packed weights", form: .packed, tuning: .scalar)
  /// Beside networks that are spread over several kernels' memories; no command's list has it.
  package static let packedOfAnySize = NativeRuntime(
    name: "native-packed-any", summary: "the kernel's own C, with packed weights, for networks of any size",
    form: .packedOfAnySize, tuning: .scalar)

  package var obstacle: RuntimeError? {
    do {
      _ = try ClangInstallation.find()
      return nil
    } catch {
      return RuntimeError(
        .unavailable, "\(name) needs a compiler", cause: error.message, remedy: error.remedy)
    }
  }

  package func load(_ network: CompiledNetwork) throws -> any LoadedNetwork {
    try NativeNetwork(network.snapshot, library: library(of: network.snapshot.shape))
  }

  /// Two threads that ask for a new shape at once may both compile it; the later one is kept.
  func library(of shape: ProgramShape) throws -> NativeLibrary {
    if let library = libraries.withLock({ $0[shape]?.library }) { return library }
    let library = try NativeLibrary(shape, form: form, tuning: tuning, clang: .find())
    libraries.withLock { libraries in
      libraries = libraries.filter { $0.value.library != nil }
      libraries[shape] = Shared(library: library)
    }
    return library
  }
}

/// A snapshot's numbers beside the code that reads them.
///
/// The numbers are written before anyone else sees them and never again; each call has working memory of its
/// own.
private final class NativeNetwork: LoadedNetwork, @unchecked Sendable {
  let shape: ProgramShape
  private let library: NativeLibrary
  private let network: UnsafeMutableRawPointer

  init(_ snapshot: Snapshot, library: NativeLibrary) throws {
    shape = snapshot.shape
    self.library = library
    network = try library.network(of: snapshot)
  }

  deinit { network.deallocate() }

  func run(words rows: [[Int64]]) throws -> [[Int64]] {
    try check(rows)
    let width = shape.outputs
    var outputs = [Int64](repeating: 0, count: rows.count * width)
    withMemory { library.run(network, $0, rows.flatMap { $0 }, &outputs, rows.count) }
    return stride(from: 0, to: outputs.count, by: width).map { Array(outputs[$0..<$0 + width]) }
  }

  func time(_ features: [Int64], repeats: Int) throws -> InferenceTime {
    try check([features])
    var outputs = [Int64](repeating: 0, count: shape.outputs)
    let nanoseconds = withMemory { library.time(network, $0, features, &outputs, repeats) }
    return InferenceTime(nanoseconds: Double(nanoseconds) / Double(max(repeats, 1)))
  }

  private func withMemory<Value>(_ body: (UnsafeMutableRawPointer) -> Value) -> Value {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: library.memoryBytes, alignment: NativeLibrary.alignment)
    defer { memory.deallocate() }
    return body(memory)
  }
}
