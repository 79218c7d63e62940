import MedullaCodegen
import MedullaKernel
import MedullaSnapshot

/// What one inference costs in the kernel, natively, and as a round trip to user space, in one run.
public struct InferenceBenchmark {
  /// Runs of a program for one reading; the kernel gives whole nanoseconds of their mean.
  public static let repeats = 1_000_000
  /// Readings of each figure; the least is taken, since all noise only adds.
  public static let readings = 7
  public static let roundTrips = 2_000

  public struct Report: Codable, Sendable, Equatable {
    /// One test run of the query program, set-up included.
    public let kernel: Int
    /// One test run of a program that does nothing: the set-up.
    public let empty: Int
    /// The shape compiled natively at `-O2` without vectors.
    public let nativeScalar: Double
    /// The same at `-O3 -march=native`.
    public let nativeSIMD: Double
    /// The kernel's own C, with packed weights, natively at `-O2` without vectors.
    public let nativePacked: Double
    /// Ring buffer up, native inference, map write down; the median.
    public let roundTrip: Int
    public let roundTrip99: Int
    public let repeats: Int
    public let verifiedInstructions: Int
    public let machineCodeBytes: Int

    /// The inference in the kernel over the native scalar one, set-up taken off.
    public var kernelOverNative: Double { Double(kernel - empty) / nativeScalar }

    enum CodingKeys: String, CodingKey {
      case repeats
      case kernel = "kernel_ns"
      case empty = "empty_ns"
      case nativeScalar = "native_scalar_ns"
      case nativeSIMD = "native_simd_ns"
      case nativePacked = "native_packed_ns"
      case roundTrip = "roundtrip_ns"
      case roundTrip99 = "roundtrip_p99_ns"
      case verifiedInstructions = "verified_instructions"
      case machineCodeBytes = "machine_code_bytes"
    }
  }

  private let snapshot: DatapathSnapshot
  private let nativeHeader: String

  /// - Parameter shape: the snapshot's, to write the same network in plain C.
  public init(_ snapshot: DatapathSnapshot, shape: ProgramShape) {
    self.snapshot = snapshot
    nativeHeader = NativeProgram(shape: shape).text
  }

  /// - Parameter features: the input that is inferred over and over, in fixed point.
  /// - Throws: `DatapathError` when the native program and the kernel do not give the same outputs.
  public func run(features: [Int64]) throws -> Report {
    let clang = try ClangInstallation.find()
    let kernel = try KernelInference(snapshot)
    let scalar = try NativeInference(snapshot, header: nativeHeader, tuning: .scalar, clang: clang)
    let simd = try NativeInference(snapshot, header: nativeHeader, tuning: .simd, clang: clang)
    let packed = try NativeInference(snapshot, header: snapshot.header, tuning: .scalar, clang: clang)
    let expected = try kernel.run(features: features)
    for native in [scalar, simd, packed] {
      let outputs = native.run(features: features)
      guard outputs == expected else {
        throw DatapathError(
          .noAnswer, "the native program gives \(outputs), the kernel \(expected)",
          remedy: "the two programs of one shape disagree; report this with the bundle")
      }
    }
    var kernelTimes: [Int] = []
    var emptyTimes: [Int] = []
    var scalarTimes: [Double] = []
    var simdTimes: [Double] = []
    var packedTimes: [Double] = []
    // Interleaved, so that a slow spell of the machine falls on all of them.
    for _ in 0..<Self.readings {
      kernelTimes.append(try kernel.queryNanoseconds(repeats: Self.repeats))
      emptyTimes.append(try kernel.emptyNanoseconds(repeats: Self.repeats))
      scalarTimes.append(scalar.nanoseconds(features: features, repeats: Self.repeats))
      simdTimes.append(simd.nanoseconds(features: features, repeats: Self.repeats))
      packedTimes.append(packed.nanoseconds(features: features, repeats: Self.repeats))
    }
    let trips = try RoundTripBenchmark(kernel: kernel, native: simd).run(
      features: features, count: Self.roundTrips)
    let facts = try kernel.facts()
    return Report(
      kernel: kernelTimes.min() ?? 0, empty: emptyTimes.min() ?? 0, nativeScalar: scalarTimes.min() ?? 0,
      nativeSIMD: simdTimes.min() ?? 0, nativePacked: packedTimes.min() ?? 0,
      roundTrip: trips.median, roundTrip99: trips.percentile99, repeats: Self.repeats,
      verifiedInstructions: facts.verifiedInstructions,
      machineCodeBytes: facts.machineCodeBytes)
  }
}
