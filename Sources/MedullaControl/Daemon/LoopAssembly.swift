import Foundation
import Logging
import MedullaAdaptation
import MedullaAdapters
import MedullaBase
import MedullaCompile
import MedullaDatapath

/// Puts a function's loop together: the kernel, the adapter of its settings, and the history.
enum LoopAssembly {
  static func make(
    _ settings: FunctionSettings, _ loaded: FunctionHost.Loaded, _ context: LoopContext
  ) throws -> any FunctionLoop {
    let start = loaded.start.network
    let name = settings.name
    let programs = try DatapathSnapshot(loaded.bundle)
    let adapter = try AdapterRegistry.all.adapter(
      AdapterOrder(
        settings: settings.adapter, function: name, kind: settings.function,
        outcomes: FunctionList.all[settings.function]?.outcomes.map(\.name) ?? [], start: start,
        programs: programs, directory: context.directory, state: context.state, log: context.log))
    let journal = RunnerJournal(
      record: { record in
        context.history.add(StoredRecord(time: now, function: name, record: record))
        Self.tell(record, of: name, context.log)
      },
      keep: { candidate, version in keep(candidate, version, of: name, context) },
      batches: { batches(of: name, from: $0, to: $1, context) },
      decisions: { keep($0, of: settings, context) })
    keepStart(loaded, of: name, context)
    return try FunctionRunner(
      settings: settings,
      fastPath: KernelFastPath(
        name: name, settings: settings, programs: programs.objects),
      adapter: adapter, start: start, isForeign: loaded.start.origin == .unknown, journal: journal,
      log: context.log)
  }

  /// Keeps the last decisions that were sampled.
  private static func keep(_ batch: Batch, of settings: FunctionSettings, _ context: LoopContext) {
    let limit = settings.keptDecisions
    guard limit > 0 else { return }
    let decisions = RecordedDecision.all(of: batch, kind: settings.function, at: now)
    context.history.add(.decisions(decisions.suffix(limit), of: settings.name, limit: limit))
  }

  /// Keeps the snapshot that the loop begins with too, so that its decisions can be told of later.
  private static func keepStart(_ loaded: FunctionHost.Loaded, of function: String, _ context: LoopContext) {
    let start = loaded.start
    let file = loaded.bundle.file
    guard file.digest == start.digest else { return }
    let kept = (try? context.history.snapshots(function: function, limit: 1_000)) ?? []
    guard !kept.contains(where: { $0.version == start.version && $0.digest == file.digest }),
      let (path, bytes) = context.snapshots.keep(file, network: start.network.network)
    else { return }
    context.history.add(
      .snapshot(
        KeptSnapshot(
          time: now, function: function, version: start.version, digest: file.digest,
          name: file.snapshot.record.networkName, path: path, bytes: bytes)))
  }

  /// Keeps the snapshot and its network, and writes down where.
  private static func keep(
    _ candidate: Candidate, _ version: UInt64, of function: String, _ context: LoopContext
  ) {
    let file = candidate.file
    guard let (path, bytes) = context.snapshots.keep(file, network: candidate.network) else { return }
    context.history.add(
      .snapshot(
        KeptSnapshot(
          time: now, function: function, version: version, digest: file.digest,
          name: file.snapshot.record.networkName, path: path, bytes: bytes)))
  }

  /// What was written down of the seconds between two times of the monotonic clock.
  private static func batches(
    of function: String, from start: Duration, to end: Duration, _ context: LoopContext
  ) -> [BatchStatistics] {
    let (clock, wall) = (MonotonicClock.now, now)
    let since = wall - (clock - start) / .seconds(1)
    let query = HistoryQuery(
      function: function, kind: "batch", since: since, limit: ControlProtocol.recordLimit)
    let records = (try? context.history.records(query)) ?? []
    return records.filter { $0.time <= wall - (clock - end) / .seconds(1) }.compactMap {
      if case .batch(let batch) = $0.record { batch } else { nil }
    }
  }

  private static var now: Double { Date().timeIntervalSince1970 }

  /// What a person who watches the log wants to know; the rest is in the history.
  private static func tell(_ record: LoopRecord, of name: String, _ log: Logger) {
    guard let sentence = RecordWords(record).sentence else { return }
    switch record {
    case .promotion, .rollback, .verdict, .pin, .retrain, .command: log.notice("\(name): \(sentence)")
    case .staged, .shadow, .gates, .trigger: log.info("\(name): \(sentence)")
    // The runner has logged failures.
    case .batch, .progress, .failure: log.debug("\(name): \(sentence)")
    }
  }
}

extension FunctionRunner: FunctionLoop {}
