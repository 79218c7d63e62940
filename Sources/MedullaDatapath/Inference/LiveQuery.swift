import MedullaKernel

/// Asks an attached instance's live snapshot, in the kernel, by test run of a program of its own program set.
package final class LiveQuery {
  /// Inputs in one go that a swap of slots may spoil before it is given up.
  private static let attempts = 3
  /// How long others that ask the same programs are waited for.
  static let patience = Duration.seconds(2)

  private let instance: PinnedInstance
  private let generation: PinnedGeneration
  private let features: MappedMap
  private let outputs: MappedMap
  private let formats: FunctionFormats
  private let live: BPFProgram

  init(_ attached: Instance) throws {
    instance = try attached.pinned()
    generation = try instance.current()
    formats = generation.control.formats
    live = try generation.program(EmbeddedSources.liveProgram)
    let (asked, answered) = (try generation.map("live_features"), try generation.map("live_outputs"))
    guard asked.valueSize == formats.inputs * 8, answered.valueSize == formats.outputs * 8 else {
      throw DatapathError(
        .foreignVersion, "the query program of \(instance.name) has other sizes than its shape")
    }
    features = try MappedMap(asked)
    outputs = try MappedMap(answered)
  }

  /// The outputs of the snapshot that new flows take now, `[n][outputs]`, for `[n][inputs]`, all of one
  /// snapshot.
  ///
  /// - Throws: `changedMeanwhile` when another program set took the name: open a new query; `busy` when
  /// another process has been asking for longer than is waited.
  package func run(_ inputs: [[Int64]]) throws -> [[Int64]] {
    for row in inputs where row.count != formats.inputs {
      throw DatapathError(
        .wrongShape, "\(instance.name) takes \(formats.inputs) features, not \(row.count)")
    }
    // The maps between here and the program hold one question.
    guard let lock = try DirectoryLock(generation.path, within: Self.patience) else {
      throw DatapathError(
        .busy, "another process has been asking \(instance.name) for \(Self.patience)",
        remedy: "ask again; if it stays so, end the process that holds \(generation.path)")
    }
    defer { _ = lock }
    for _ in 0..<Self.attempts {
      try checkCurrent()
      let active = generation.control.active
      let answers = try inputs.map(ask)
      try checkCurrent()
      if active == generation.control.active { return answers }
    }
    throw changed
  }

  private func ask(_ row: [Int64]) throws -> [Int64] {
    features.store(words: row, at: 0)
    let run = try live.testRun()
    guard run.result == 0 else {
      throw DatapathError(
        .noAnswer, "the query program gave \(Int32(bitPattern: run.result)) instead of an answer",
        remedy: "no slot is active, or all working memory is taken; ask again")
    }
    return outputs.words(at: 0, count: formats.outputs)
  }

  private func checkCurrent() throws {
    guard BPFFileSystem.exists(generation.path), instance.isCurrent(generation) else { throw changed }
  }

  private var changed: DatapathError {
    DatapathError(
      .changedMeanwhile, "the programs of \(instance.name) were replaced while it was asked",
      remedy: "ask again")
  }
}
