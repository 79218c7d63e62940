import Foundation
import MedullaBase
import MedullaKernel
import MedullaRuntime
import MedullaSnapshot
import Synchronization

/// The eBPF program in the kernel, asked by test run: nothing is attached.
package struct KernelRuntime: Runtime {
  package let name = "kernel"
  package let summary = "the eBPF program in the kernel, by test run"
  package let promise = RuntimePromise.exact

  package init() {}

  package var obstacle: RuntimeError? {
    let missing = Capabilities.current().missing(Capabilities.neededForDatapath)
    guard missing.isEmpty else {
      return RuntimeError(
        .unavailable, "\(name) needs \(missing.joined(separator: ", "))",
        remedy: "run as root; see `medulla doctor`")
    }
    guard FileManager.default.fileExists(atPath: "/sys/kernel/btf/vmlinux") else {
      return RuntimeError(
        .unavailable, "\(name) needs /sys/kernel/btf/vmlinux",
        remedy: "use a kernel with CONFIG_DEBUG_INFO_BTF=y")
    }
    return nil
  }

  package func load(_ network: CompiledNetwork) throws -> any LoadedNetwork { try inference(of: network) }

  func inference(of network: CompiledNetwork) throws -> KernelInference {
    if let obstacle { throw obstacle }
    let snapshot = try RuntimeError.whereUnsuitable {
      if let bundle = network.bundle { return try DatapathSnapshot(bundle) }
      return try Self.compiled(network)
    }
    return try KernelInference(snapshot, shape: network.snapshot.shape)
  }

  /// A network of no bundle has no program yet; it is compiled for it, as the native runtimes compile theirs.
  private static func compiled(_ network: CompiledNetwork) throws -> DatapathSnapshot {
    let bare = try DatapathSnapshot(network.file, name: network.name, objects: [:])
    let query = ProgramSource.query
    let object = CompiledProgram(
      bytes: try query.object(header: bare.header, compiler: BPFCompiler()),
      sources: query.digest(for: bare.shapeDigest))
    return try DatapathSnapshot(network.file, name: network.name, objects: [query.name: object])
  }
}

/// A snapshot's inference in the kernel.
///
/// The program reads one question from a map and writes one answer into another, so the questions of all
/// threads take turns under `turn`; only the answering thread of a round trip writes outputs beside it.
final class KernelInference: LoadedNetwork, @unchecked Sendable {
  let shape: ProgramShape
  private let imageBytes: Int
  private let features: MappedMap
  private let outputs: MappedMap
  private let query: BPFProgram
  private let empty: BPFProgram
  private let roundTrip: BPFProgram
  private let timed: BPFProgram
  private let times: MappedMap
  private let requests: BPFMap
  private let turn = Mutex(())

  /// Loads the query program of the snapshot's shape and writes the snapshot into its first slot.
  ///
  /// - Throws: `badBundle` when the program is another shape's.
  init(_ snapshot: DatapathSnapshot, shape: ProgramShape) throws {
    let object = try BPFObject(bytes: snapshot.object(of: .query), name: "query")
    try object.load()
    try snapshot.checkSlots(of: object.loadedMap("medulla_slots"))
    try object.loadedMap("medulla_slots").set(words: snapshot.image, at: 0)
    let control = try ControlBlock(object.loadedMap("medulla_control"))
    control.version = ControlBlock.interfaceVersion
    control.describe(0, snapshot.identity, version: 1, now: MonotonicClock.nanoseconds)
    control.active = 0
    self.shape = shape
    imageBytes = snapshot.image.count * 8
    features = try MappedMap(object.loadedMap("live_features"))
    outputs = try MappedMap(object.loadedMap("live_outputs"))
    query = try object.loadedProgram(EmbeddedSources.liveProgram)
    empty = try object.loadedProgram("empty")
    roundTrip = try object.loadedProgram("roundtrip")
    timed = try object.loadedProgram("timed")
    times = try MappedMap(object.loadedMap("query_times"))
    requests = try object.loadedMap("query_requests")
  }

  func run(words rows: [[Int64]]) throws -> [[Int64]] {
    try check(rows)
    return try turn.withLock { _ in try rows.map(ask) }
  }

  private func ask(_ row: [Int64]) throws -> [Int64] {
    features.store(words: row, at: 0)
    let run = try query.testRun()
    guard run.result == 0 else {
      throw DatapathError(
        .noAnswer, "the query program gave \(Int32(bitPattern: run.result)) instead of an answer",
        remedy: "its slot or working memory is missing; report this")
    }
    return outputs.words(at: 0, count: shape.outputs)
  }

  /// The kernel's own measure of a test run, in whole nanoseconds; set-up is a run of a program that does
  /// nothing.
  func time(_ row: [Int64], repeats: Int) throws -> InferenceTime {
    try check([row])
    return try turn.withLock { _ in
      features.store(words: row, at: 0)
      return InferenceTime(
        nanoseconds: Double(try query.testRun(repeats: repeats).nanoseconds),
        setUp: Double(try empty.testRun(repeats: repeats).nanoseconds))
    }
  }

  /// Each run finds the caches emptied, on one processor; warm runs are between them.
  func coldTime(_ row: [Int64], runs: Int) throws -> ColdTime? {
    try check([row])
    let eviction: CacheEviction
    do {
      eviction = try CacheEviction()
    } catch {
      throw RuntimeError(.unavailable, error.message, cause: error.cause, remedy: error.remedy)
    }
    return try turn.withLock { _ in
      features.store(words: row, at: 0)
      return try OneProcessor.run { [self] in
        var (cold, warm): ([Double], [Double]) = ([], [])
        for _ in 0..<max(runs, 1) {
          try timed.testRun(repeats: Self.warmUp)
          warm.append(Double(times.load64(at: 0)))
          eviction.evict()
          try timed.testRun()
          cold.append(Double(times.load64(at: 0)))
        }
        return ColdTime(cold: cold, warm: warm)
      }
    }
  }

  /// Runs before the one whose time is taken as warm.
  private static let warmUp = 100

  /// What inference is of the machine code are the functions beside the program itself: `medulla_run` and its
  /// loops.
  func facts() throws -> [String: Int] {
    let facts = try query.facts()
    return [
      "verified_instructions": facts.verifiedInstructions, "machine_code_bytes": facts.machineCodeBytes,
      "inference_code_bytes": facts.functionBytes.dropFirst().reduce(0, +), "image_bytes": imageBytes,
    ]
  }

  /// Sends one request up the ring buffer.
  func request() throws {
    let run = try roundTrip.testRun()
    guard run.result == 0 else {
      throw DatapathError(.noAnswer, "the ring buffer is full", remedy: "nobody drains it; report this")
    }
  }

  func openRequests() throws -> RingBuffer { try RingBuffer(requests) }

  /// What a user-space answer would have to do last: write the outputs where the kernel finds them.
  func writeOutputs(_ values: [Int64]) { outputs.store(words: values, at: 0) }
}
