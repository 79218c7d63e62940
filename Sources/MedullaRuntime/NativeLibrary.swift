import Foundation
import Glibc
import MedullaKernel
import MedullaSnapshot

/// A shape's inference, compiled for this machine's processor and loaded into this process. It has code and
/// no state: all snapshots of the shape and all threads share it.
final class NativeLibrary: Sendable {
  typealias Run =
    @convention(c) @Sendable (
      UnsafeRawPointer, UnsafeMutableRawPointer, UnsafePointer<Int64>, UnsafeMutablePointer<Int64>, Int
    ) -> Void
  typealias Time =
    @convention(c) @Sendable (
      UnsafeRawPointer, UnsafeMutableRawPointer, UnsafePointer<Int64>, UnsafeMutablePointer<Int64>, Int
    ) -> Int64

  /// Where one array of a network lies, as `entries.h` has it.
  private struct Field {
    let offset: Int
    let bytes: Int
  }

  let shape: ProgramShape
  let form: NativeForm
  let run: Run
  let time: Time
  let memoryBytes: Int
  private let networkBytes: Int
  private let handle: LibraryHandle

  /// - Throws: `KernelError` without a compiler.
  init(_ shape: ProgramShape, form: NativeForm, tuning: NativeTuning, clang: ClangInstallation) throws {
    var files = NativeSources.files
    files["shape.h"] = try form.header(of: shape)
    let path = try NativeCompiler(clang: clang).sharedObject(
      source: form.source, files: files, options: tuning.options)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let handle = try LibraryHandle(path)
    self.shape = shape
    self.form = form
    self.handle = handle
    run = unsafeBitCast(try handle.symbol("entry_run"), to: Run.self)
    time = unsafeBitCast(try handle.symbol("entry_time"), to: Time.self)
    memoryBytes = try handle.symbol("entry_memory_bytes").load(as: Int.self)
    networkBytes = try handle.symbol("entry_network_bytes").load(as: Int.self)
  }

  /// A snapshot's numbers as the compiled code reads them.
  ///
  /// - Returns: memory that the caller frees.
  func network(of snapshot: Snapshot) throws -> UnsafeMutableRawPointer {
    precondition(snapshot.shape == shape, "the snapshot has the library's shape")
    let arrays = form.arrays(of: snapshot)
    let count = try handle.symbol("entry_field_count").load(as: Int.self)
    let table = try handle.symbol("entry_fields").assumingMemoryBound(to: Field.self)
    let fields = UnsafeBufferPointer(start: table, count: count)
    guard count == arrays.count, zip(fields, arrays).allSatisfy({ $0.bytes == $1.bytes }) else {
      throw RuntimeError(
        .unsuitable, "the numbers of \(snapshot.record.networkName) do not fill its compiled arrays",
        remedy: "the generated C and the snapshot's layout differ; report this with the bundle")
    }
    let network = UnsafeMutableRawPointer.allocate(byteCount: networkBytes, alignment: Self.alignment)
    for (field, array) in zip(fields, arrays) { array.store(at: network + field.offset) }
    return network
  }

  /// Of networks and working memories: a cache line.
  static let alignment = 64
}

/// A shared object of this process, closed with its last owner.
private final class LibraryHandle: @unchecked Sendable {
  private let handle: UnsafeMutableRawPointer

  init(_ path: String) throws(KernelError) {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw KernelError(
        .toolchain, "load the native program", cause: dlerror().map { String(cString: $0) } ?? "")
    }
    self.handle = handle
  }

  deinit { dlclose(handle) }

  func symbol(_ name: String) throws(KernelError) -> UnsafeMutableRawPointer {
    guard let symbol = dlsym(handle, name) else {
      throw KernelError(.toolchain, "the native program lacks \(name)")
    }
    return symbol
  }
}
