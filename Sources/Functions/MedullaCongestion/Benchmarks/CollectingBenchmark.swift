import Foundation
import MedullaDatapath
import MedullaKernel

/// What it costs the kernel to send samples up: by test run, and in instructions of the same C natively.
package struct CollectingBenchmark {
  /// Samples between two drains, well within the ring.
  package static let batch = 2_000
  /// Batches of a reading, and runs of a program for one reading of the others.
  package static let batches = 50
  package static let repeats = 100_000
  /// Readings of each figure; the least is taken, since all noise only adds.
  package static let readings = 5
  static let countedRuns = 20_000

  package struct Report: Codable, Sendable, Equatable {
    /// One test run of a program that does nothing: the set-up.
    package let empty: Double
    /// One test run that keeps a decision and sends it up into a ring that is drained.
    package let listened: Double
    /// The same into a full ring: it is dropped and counted.
    package let full: Double
    /// Samples that went up and that were dropped, by the kernel's counts.
    package let samples: UInt64
    package let dropped: UInt64
    package let sampleBytes: Int
    /// Instructions of a sample, and of the controller's work on an ACK without one; null without valgrind.
    @Nullable package private(set) var sampleInstructions: Double?
    @Nullable package private(set) var ackInstructions: Double?
    /// Why there are no instruction counts; null when there are.
    @Nullable package private(set) var note: String?

    enum CodingKeys: String, CodingKey {
      case samples, dropped, note
      case empty = "empty_ns"
      case listened = "listened_ns"
      case full = "full_ns"
      case sampleBytes = "sample_bytes"
      case sampleInstructions = "sample_instructions"
      case ackInstructions = "ack_instructions"
    }
  }

  private static let program = ProgramSource(
    name: "collect", sizes: CongestionControl.sizes, files: CongestionSources.collect)

  private let snapshot: DatapathSnapshot

  package init(_ snapshot: DatapathSnapshot) {
    self.snapshot = snapshot
  }

  /// - Throws: `wrongShape` for a network that the congestion control cannot use.
  package func run() throws -> Report {
    // Refuses other shapes: their samples are other sizes.
    // No function attaches it, so no bundle carries it; instructions are counted by a compiled program too.
    try Self.program.sizes.check(snapshot, for: Self.program.name)
    let bytes = try Self.program.object(header: snapshot.header, compiler: BPFCompiler())
    let object = try BPFObject(bytes: bytes, name: Self.program.name)
    try object.setEntries(
      of: SharedMaps.samplesName, to: SampleBuffer.entries(bytes: SampleBuffer.defaultBytes))
    try object.load()
    let collect = try object.loadedProgram("collect")
    let empty = try object.loadedProgram("empty")
    let shared = try SharedMaps(of: object)
    let ring = try RingBuffer(shared.map(SharedMaps.samplesName))
    var emptyTimes: [Double] = []
    var listenedTimes: [Double] = []
    var fullTimes: [Double] = []
    // Interleaved, so that a slow spell of the machine falls on all of them.
    for _ in 0..<Self.readings {
      emptyTimes.append(Double(try empty.testRun(repeats: Self.repeats).nanoseconds))
      try ring.consume { _ in }
      var nanoseconds = 0
      for _ in 0..<Self.batches {
        nanoseconds += try collect.testRun(repeats: Self.batch).nanoseconds
        try ring.consume { _ in }
      }
      listenedTimes.append(Double(nanoseconds) / Double(Self.batches))
      // Fills the ring; then every run finds it full.
      _ = try collect.testRun(repeats: SampleBuffer.defaultBytes / SampleRecord.leastBytes)
      fullTimes.append(Double(try collect.testRun(repeats: Self.repeats).nanoseconds))
    }
    let totals = try shared.total()
    let (sample, ack, note) = try instructions()
    return Report(
      empty: emptyTimes.min() ?? 0, listened: listenedTimes.min() ?? 0, full: fullTimes.min() ?? 0,
      samples: totals.samples, dropped: totals.samples_dropped,
      sampleBytes: SampleRecord.bytes(inputs: snapshot.inputs, outputs: snapshot.outputs),
      sampleInstructions: sample, ackInstructions: ack, note: note)
  }

  /// Two runs of different length, so that what the program does once falls out.
  private func instructions() throws -> (sample: Double?, ack: Double?, note: String?) {
    guard let counter = InstructionCounter() else { return (nil, nil, "valgrind is not installed") }
    let program = try NativeCompiler(clang: ClangInstallation.find()).program(
      source: "collect.c", files: CongestionSources.collecting, options: ["-O2"])
    defer { try? FileManager.default.removeItem(atPath: program) }
    func each(_ what: String) throws -> Double {
      let short = try counter.count(program, [what, "\(Self.countedRuns)"])
      let long = try counter.count(program, [what, "\(2 * Self.countedRuns)"])
      return Double(long - short) / Double(Self.countedRuns)
    }
    return (try each("sample"), try each("ack"), nil)
  }
}
