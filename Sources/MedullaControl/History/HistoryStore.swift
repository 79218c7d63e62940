import Foundation
import GRDB
import Logging
import MedullaAdaptation
import MedullaBase

/// How the history fares; part of `status`.
package struct HistoryHealth: Sendable, Equatable, Codable {
  package var path: String
  /// Whether the last write succeeded.
  package var ok = true
  /// Rows written, and rows given up because they could not be, since the start.
  package var written: UInt64 = 0
  package var lost: UInt64 = 0
  /// Failed writes, and why the last one failed.
  package var failures: UInt64 = 0
  package var lastFailure: String?
  /// Bytes in use.
  package var bytes = 0
  /// Where files that were damaged lie now.
  package var movedAside: [String] = []

  enum CodingKeys: String, CodingKey {
    case path, ok, written, lost, failures, bytes
    case lastFailure = "last_failure"
    case movedAside = "moved_aside"
  }
}

/// Writes down what happens, on a thread of its own; never holds up the one that tells.
///
/// A disk that is full, a file that another process has locked or that is damaged is logged, counted and
/// shown by `health`; the rows wait as far as the queue goes, then the oldest of them are given up.
package final class HistoryStore: @unchecked Sendable {
  /// Rows that wait to be written.
  static let queueLimit = 10_000
  /// Rows of one transaction.
  static let batchLimit = 1_000
  /// The first wait after a failure, doubled with each up to the second figure.
  static let backOff = 0.25...30.0
  static let pruneSeconds = 60.0
  /// Damaged files that are kept aside.
  static let asideLimit = 8

  private let path: String
  private let snapshotsPath: String
  private let log: Logger
  private let condition = MonotonicCondition()
  private var queue: [HistoryEntry] = []
  /// Rows that the writer has in hand.
  private var writing = 0
  private var state: HistoryHealth
  private var database: HistoryDatabase?
  private var retention: (age: Duration, bytes: Int)
  private var isStopping = false
  private var isRunning = false
  private let ended = DispatchSemaphore(value: 0)

  /// Of the writer's thread only.
  private var wait = 0.0
  private var lastLogged: ContinuousClock.Instant?
  private var lastPruned: ContinuousClock.Instant?

  package init(settings: DaemonSettings, log: Logger) {
    path = settings.historyPath
    snapshotsPath = settings.snapshotsPath
    retention = (settings.history, settings.historyLimit)
    self.log = log
    state = HistoryHealth(path: settings.historyPath)
  }

  package var health: HistoryHealth { condition.withLock { state } }

  /// Opens the file, if it can be, and begins to write.
  package func start() {
    condition.withLock { isRunning = true }
    open()
    let thread = Thread { [self] in
      while let rows = take() { write(rows) }
      flushLast()
      ended.signal()
    }
    thread.name = "history"
    thread.start()
  }

  /// Writes what waits, once, and closes the file.
  package func stop() {
    let wasRunning = condition.withLock {
      defer {
        isStopping = true
        isRunning = false
      }
      condition.broadcast()
      return isRunning
    }
    if wasRunning { ended.wait() }
  }

  /// Changes how much is kept; holds from the next time that old rows are deleted.
  func keep(age: Duration, bytes: Int) {
    condition.withLock { retention = (age, bytes) }
  }

  /// Returns at once; the row is written soon.
  package func add(_ record: StoredRecord) { add(.record(record)) }

  func add(_ entry: HistoryEntry) {
    condition.withLock {
      if queue.count >= Self.queueLimit {
        queue.removeFirst(Self.queueLimit / 10)
        state.lost += UInt64(Self.queueLimit / 10)
      }
      queue.append(entry)
      condition.signal()
    }
  }

  /// Records, oldest first.
  ///
  /// - Throws: `history` when the file cannot be read now.
  package func records(_ query: HistoryQuery) throws(ControlError) -> [StoredRecord] {
    try reading { try $0.records(query) }
  }

  package func snapshots(function: String?, limit: Int) throws(ControlError) -> [KeptSnapshot] {
    try reading { try $0.snapshots(function: function, limit: limit) }
  }

  /// Keeps nothing back: what was told before is readable after.
  func settle(within seconds: Double = 5) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date() < deadline {
      if condition.withLock({ queue.isEmpty && writing == 0 }) { return true }
      Thread.sleep(forTimeInterval: 0.005)
    }
    return false
  }

  private func reading<Value>(_ body: (HistoryDatabase) throws -> Value) throws(ControlError) -> Value {
    guard let database = condition.withLock({ database }) else {
      throw ControlError(
        .history, "the history cannot be read: \(health.lastFailure ?? "it is not open")",
        remedy: "`medulla status` and the daemon's log say why")
    }
    do {
      return try body(database)
    } catch {
      throw ControlError(.history, "the history cannot be read: \(error)")
    }
  }
}

extension HistoryStore {
  /// Waits for rows; nil when it is time to stop.
  private func take() -> [HistoryEntry]? {
    condition.withLock {
      if wait > 0 {
        let end = MonotonicClock.now + .seconds(wait)
        while !isStopping, condition.wait(for: end - MonotonicClock.now) {}
      } else if queue.isEmpty, !isStopping {
        _ = condition.wait(for: .seconds(Self.pruneSeconds))
      }
      guard !isStopping else { return nil }
      let rows = Array(queue.prefix(Self.batchLimit))
      queue.removeFirst(rows.count)
      writing = rows.count
      return rows
    }
  }

  private func write(_ rows: [HistoryEntry]) {
    if condition.withLock({ database == nil }) { open() }
    guard let database = condition.withLock({ database }) else { return putBack(rows) }
    do {
      if !rows.isEmpty { try database.insert(rows) }
      wait = 0
      condition.withLock {
        writing = 0
        state.written += UInt64(rows.count)
        if !state.ok { log.notice("the history is written again") }
        state.ok = true
      }
      prune(database)
    } catch {
      putBack(rows)
      fail("the history cannot be written", error)
    }
  }

  /// Rows that could not be written wait again, before those that came later; what is too much goes, the
  /// oldest first.
  private func putBack(_ rows: [HistoryEntry]) {
    condition.withLock {
      writing = 0
      let room = max(0, Self.queueLimit - queue.count)
      queue.insert(contentsOf: rows.suffix(room), at: 0)
      state.lost += UInt64(rows.count - min(rows.count, room))
    }
  }

  /// One last try, without waiting for anything.
  private func flushLast() {
    let rows = condition.withLock { queue }
    if let database = condition.withLock({ database }) {
      do {
        for start in stride(from: 0, to: rows.count, by: Self.batchLimit) {
          try database.insert(Array(rows[start..<min(start + Self.batchLimit, rows.count)]))
        }
        condition.withLock { state.written += UInt64(rows.count) }
      } catch {
        condition.withLock { state.lost += UInt64(rows.count) }
        log.error("\(rows.count) rows of the history were not written: \(error)")
      }
      try? database.close()
    } else {
      condition.withLock { state.lost += UInt64(rows.count) }
    }
    condition.withLock {
      database = nil
      queue = []
    }
  }

  private func prune(_ database: HistoryDatabase) {
    let now = ContinuousClock.now
    if let lastPruned, now - lastPruned < .seconds(Self.pruneSeconds) { return }
    lastPruned = now
    do {
      let retention = condition.withLock { self.retention }
      let oldest = database.age - retention.age.inSeconds
      let (rows, files) = try database.prune(before: oldest, limit: retention.bytes)
      for file in files where file.hasPrefix(snapshotsPath + "/") {
        unlink(file)
        unlink(file.dropLast(".medulla".count) + ".onnx")
      }
      if rows > 0 { log.debug("deleted \(rows) old rows of the history") }
      let bytes = try database.size()
      condition.withLock { state.bytes = bytes }
    } catch {
      fail("old history cannot be deleted", error)
    }
  }

  private func open() {
    do {
      let opened = try HistoryDatabase(path: path)
      condition.withLock { database = opened }
    } catch {
      fail("the history cannot be opened", error)
    }
  }

  private func fail(_ what: String, _ error: any Error) {
    let reason = Self.text(error)
    condition.withLock {
      state.ok = false
      state.failures += 1
      state.lastFailure = "\(what): \(reason)"
    }
    wait = min(max(wait * 2, Self.backOff.lowerBound), Self.backOff.upperBound)
    // A disk that stays full for days must not fill the log too.
    let now = ContinuousClock.now
    if lastLogged.map({ now - $0 >= .seconds(10) }) ?? true {
      lastLogged = now
      log.error("\(what): \(reason); the loop goes on, rows wait or are given up")
    }
    let code = (error as? DatabaseError)?.resultCode
    if code == .SQLITE_CORRUPT || code == .SQLITE_NOTADB { moveAside(reason) }
  }

  private func moveAside(_ reason: String) {
    let damaged = condition.withLock {
      defer { database = nil }
      return database
    }
    try? damaged?.close()
    let formatter = ISO8601DateFormatter()
    let stamp = formatter.string(from: Date()).filter { $0.isNumber || $0 == "T" || $0 == "Z" }
    let place = "\(path).damaged-\(stamp)-\(UInt16.random(in: 0...UInt16.max))"
    for suffix in ["", "-wal", "-shm"] { rename(path + suffix, place + suffix) }
    condition.withLock {
      if state.movedAside.count < Self.asideLimit { state.movedAside.append(place) }
    }
    wait = 0
    log.error("the history was damaged (\(reason)); it lies at \(place) now, and a new one begins")
  }

  private static func text(_ error: any Error) -> String {
    guard let error = error as? DatabaseError else { return "\(error)" }
    return "\(error.message ?? "SQLite refused") (\(error.extendedResultCode))"
  }
}
