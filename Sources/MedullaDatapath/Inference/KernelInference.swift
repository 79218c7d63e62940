import MedullaKernel

/// A snapshot's inference in the kernel, asked by test run: nothing is attached.
public final class KernelInference {
  private let snapshot: DatapathSnapshot
  private let features: MappedMap
  private let outputs: MappedMap
  private let query: BPFProgram
  private let empty: BPFProgram
  private let roundTrip: BPFProgram
  private let requests: BPFMap

  /// Loads the query program of the snapshot's shape and writes the snapshot into its first slot.
  public init(_ snapshot: DatapathSnapshot) throws {
    let object = try BPFObject(bytes: snapshot.object(of: .query), name: "query")
    try object.load()
    try snapshot.checkSlots(of: object)
    try object.loadedMap("medulla_slots").set(words: snapshot.image, at: 0)
    let control = try ControlBlock(object.loadedMap("medulla_control"))
    control.interfaceVersion = KernelLayout.interfaceVersion
    control.describe(0, snapshot.identity, version: 1, now: monotonicNanoseconds())
    control.active = 0
    self.snapshot = snapshot
    features = try MappedMap(object.loadedMap("live_features"))
    outputs = try MappedMap(object.loadedMap("live_outputs"))
    query = try object.loadedProgram(PinnedGeneration.liveProgram)
    empty = try object.loadedProgram("empty")
    roundTrip = try object.loadedProgram("roundtrip")
    requests = try object.loadedMap("query_requests")
  }

  /// One inference: fixed point in, fixed point out, as the reference interpreter.
  public func run(features values: [Int64]) throws -> [Int64] {
    guard values.count == snapshot.inputs else {
      throw DatapathError(
        .badBundle, "\(snapshot.name) takes \(snapshot.inputs) features, not \(values.count)")
    }
    features.store(words: values, at: 0)
    let run = try query.testRun()
    guard run.result == 0 else {
      throw DatapathError(
        .noAnswer, "the query program gave \(Int32(bitPattern: run.result)) instead of an answer",
        remedy: "its slot or working memory is missing; report this")
    }
    return outputs.words(at: 0, count: snapshot.outputs)
  }

  /// Instructions that the verifier walked through, and bytes of machine code, of the query program.
  public func facts() throws -> BPFProgram.Facts { try query.facts() }

  /// The mean time of one test run in nanoseconds, of the query on the features last given, set-up
  /// included.
  func queryNanoseconds(repeats: Int) throws -> Int { try query.testRun(repeats: repeats).nanoseconds }

  /// The same of a program that does nothing: the set-up alone.
  func emptyNanoseconds(repeats: Int) throws -> Int { try empty.testRun(repeats: repeats).nanoseconds }

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
