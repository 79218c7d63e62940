import Foundation
import Glibc
import MedullaKernel

/// The shape's inference compiled for this machine's processor and loaded into this process.
final class NativeInference {
  enum Tuning: String, CaseIterable {
    /// `-O2`, one value at a time.
    case scalar
    /// `-O3 -march=native`: whatever the processor and the compiler's vectorizer can do.
    case simd

    var options: [String] {
      switch self {
      case .scalar: ["-O2", "-fno-vectorize", "-fno-slp-vectorize"]
      case .simd: ["-O3", "-march=native"]
      }
    }
  }

  private typealias Infer =
    @convention(c) (
      UnsafePointer<Int64>?, UnsafePointer<Int64>?, UnsafeMutablePointer<Int64>?
    ) -> Void
  private typealias Time =
    @convention(c) (
      UnsafePointer<Int64>?, UnsafePointer<Int64>?, UnsafeMutablePointer<Int64>?, Int
    ) -> Int64

  private let library: UnsafeMutableRawPointer
  private let infer: Infer
  private let time: Time
  private let image: [Int64]
  private var outputs: [Int64]

  /// - Parameter header: C that defines `medulla_infer` for the snapshot's shape.
  init(_ snapshot: DatapathSnapshot, header: String, tuning: Tuning, clang: ClangInstallation) throws {
    var files = EmbeddedSources.native
    files["shape.h"] = header
    let path = try NativeCompiler(clang: clang).sharedObject(
      source: "bench.c", files: files, options: tuning.options)
    defer { try? FileManager.default.removeItem(atPath: path) }
    guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw KernelError(
        .toolchain, "load the native program", reason: dlerror().map { String(cString: $0) } ?? "")
    }
    guard let infer = dlsym(library, "bench_infer"), let time = dlsym(library, "bench_time") else {
      dlclose(library)
      throw KernelError(.toolchain, "the native program lacks its functions")
    }
    self.library = library
    self.infer = unsafeBitCast(infer, to: Infer.self)
    self.time = unsafeBitCast(time, to: Time.self)
    image = snapshot.image
    outputs = [Int64](repeating: 0, count: snapshot.outputs)
  }

  deinit { dlclose(library) }

  func run(features: [Int64]) -> [Int64] {
    infer(image, features, &outputs)
    return outputs
  }

  /// The mean of one inference in nanoseconds.
  func nanoseconds(features: [Int64], repeats: Int) -> Double {
    Double(time(image, features, &outputs, repeats)) / Double(max(repeats, 1))
  }
}
