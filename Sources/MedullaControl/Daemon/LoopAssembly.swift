import Foundation
import Logging
import MedullaAdaptation
import MedullaAdapters
import MedullaCompile
import MedullaDatapath

/// Puts a function's loop together: the kernel, the adapter of its settings, and the history.
enum LoopAssembly {
  static func make(
    _ settings: FunctionSettings, _ loaded: FunctionHost.Loaded, _ context: LoopContext
  ) throws -> any FunctionLoop {
    let start = loaded.start.network
    let name = settings.name
    let adapter = try AdapterRegistry.all.adapter(
      AdapterOrder(
        settings: settings.adapter, function: name,
        outcomes: FunctionList.all[settings.function]?.outcomes.map(\.name) ?? [], network: start.network,
        directory: context.directory, log: context.log))
    let journal = RunnerJournal(
      record: { record in
        context.history.add(StoredRecord(time: now, function: name, record: record))
        Self.tell(record, of: name, context.log)
      },
      keep: { candidate, version in keep(candidate, version, of: name, context) })
    return try FunctionRunner(
      settings: settings, fastPath: KernelFastPath(name: name, settings: settings), adapter: adapter,
      start: start, journal: journal, log: context.log)
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

  private static var now: Double { Date().timeIntervalSince1970 }

  /// What a person who watches the log wants to know; the rest is in the history.
  private static func tell(_ record: LoopRecord, of name: String, _ log: Logger) {
    guard let sentence = RecordWords(record).sentence else { return }
    switch record {
    case .promotion, .rollback, .verdict, .command: log.notice("\(name): \(sentence)")
    case .staged, .shadow, .gates, .trigger: log.info("\(name): \(sentence)")
    // The runner has logged failures.
    case .batch, .progress, .failure: log.debug("\(name): \(sentence)")
    }
  }
}

extension FunctionRunner: FunctionLoop {}
