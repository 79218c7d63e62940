import Foundation
import GRDB
import MedullaAdaptation

/// The history on disk: a SQLite file with a row for each record and for each snapshot.
final class HistoryDatabase: Sendable {
  /// Rows that one deletion takes, so that no transaction is long.
  static let pruneChunk = 5_000
  /// The newest snapshots of each function that stay however old they are, and the most that stay at all.
  static let keptSnapshots = 16
  static let snapshotLimit = 1_000
  /// Readers at a time besides the writer.
  private static let readers = 2

  let path: String
  private let pool: DatabasePool
  /// The largest age that was written down before.
  private let ageBase: Double
  private let opened = ContinuousClock.now

  /// Opens or makes the file and brings its tables up to date.
  init(path: String) throws {
    self.path = path
    var configuration = GRDB.Configuration()
    configuration.busyMode = .timeout(1)
    configuration.maximumReaderCount = Self.readers
    configuration.prepareDatabase { database in
      // Survives a crash of this process in every case; a power cut may cost the last rows, not the file.
      try database.execute(sql: "PRAGMA synchronous = NORMAL")
      try database.execute(sql: "PRAGMA journal_size_limit = 8388608")
    }
    if !FileManager.default.fileExists(atPath: path) {
      // Only an empty file can be made to give its space back.
      let queue = try DatabaseQueue(path: path)
      try queue.inDatabase { try $0.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
      try queue.close()
    }
    pool = try DatabasePool(path: path, configuration: configuration)
    try HistorySchema.migrator.migrate(pool)
    ageBase = try pool.read { try Double.fetchOne($0, sql: "SELECT MAX(age) FROM record") } ?? 0
  }

  func close() throws { try pool.close() }

  /// Seconds through which a history was kept here. Time without a daemon does not count, and no wall clock:
  /// one that goes wrong must neither keep rows for ever nor delete them all.
  var age: Double { ageBase + (ContinuousClock.now - opened) / .seconds(1) }

  /// - Parameter age: nil: now.
  func insert(_ entries: [HistoryEntry], age: Double? = nil) throws {
    let age = age ?? self.age
    try pool.write { database in
      for entry in entries { try Self.insert(entry, age: age, into: database) }
    }
  }

  private static func insert(_ entry: HistoryEntry, age: Double, into database: Database) throws {
    switch entry {
    case .record(let stored):
      let body = try ControlAnswer.encoder().encode(AnyPayload(stored.record.payload))
      try database.cachedStatement(
        sql: "INSERT INTO record (time, function, kind, version, body, age) VALUES (?, ?, ?, ?, ?, ?)"
      ).execute(arguments: [
        stored.time, stored.function, stored.record.kind, stored.record.version.map(Int64.init(clamping:)),
        String(decoding: body, as: UTF8.self), age,
      ])
    case .snapshot(let kept):
      try database.cachedStatement(
        sql: """
          INSERT INTO snapshot (time, function, version, digest, name, path, bytes, age) \
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """
      ).execute(arguments: [
        kept.time, kept.function, Int64(clamping: kept.version), kept.digest, kept.name, kept.path,
        kept.bytes, age,
      ])
    case .decisions(let decisions, let function, let limit):
      try HistoryRows.insert(decisions, of: function, limit: limit, into: database)
    }
  }

  /// Records that match, oldest first; the newest when there are more than `limit`.
  func records(_ query: HistoryQuery) throws -> [StoredRecord] {
    try pool.read { try HistoryRows.records(query, in: $0) }
  }

  func snapshots(function: String?, limit: Int) throws -> [KeptSnapshot] {
    try pool.read { try HistoryRows.snapshots(function: function, limit: limit, in: $0) }
  }

  /// Bytes in use, without the pages that are free.
  func size() throws -> Int {
    try pool.read { try Self.size(in: $0) }
  }

  private static func size(in database: Database) throws -> Int {
    func number(_ name: String) throws -> Int { try Int.fetchOne(database, sql: "PRAGMA \(name)") ?? 0 }
    return try (number("page_count") - number("freelist_count")) * number("page_size")
  }

  /// Deletes what was written before the age `oldest`, then the oldest rows while more than `limit` bytes are
  /// in use.
  ///
  /// - Returns: the rows deleted and the snapshot files that no row names any longer.
  func prune(before oldest: Double, limit: Int) throws -> (rows: Int, files: [String]) {
    var rows = 0
    var files: Set<String> = []
    // The oldest a chunk at a time: 20,000 rounds are more rows than any limit holds.
    for _ in 0..<20_000 {
      let deleted = try pool.write { database -> Int in
        let isTooLarge = try Self.size(in: database) > limit
        let bound = isTooLarge ? Double.greatestFiniteMagnitude : oldest
        try database.execute(
          sql: """
            DELETE FROM record WHERE id IN \
            (SELECT id FROM record WHERE age < ? ORDER BY id LIMIT \(Self.pruneChunk))
            """, arguments: [bound])
        return database.changesCount
      }
      rows += deleted
      if deleted == 0 { break }
    }
    files = try pool.write { database in
      // What runs may be older than the history reaches back, so the last ones of a function stay.
      let rank = "ROW_NUMBER() OVER (PARTITION BY function ORDER BY id DESC)"
      let condition = """
        id IN (SELECT id FROM (SELECT id, age, \(rank) AS rank FROM snapshot) \
        WHERE rank > \(Self.keptSnapshots) AND (age < ? OR rank > \(Self.snapshotLimit)))
        """
      let old = try String.fetchSet(
        database, sql: "SELECT path FROM snapshot WHERE \(condition)", arguments: [oldest])
      try database.execute(sql: "DELETE FROM snapshot WHERE \(condition)", arguments: [oldest])
      rows += database.changesCount
      let kept = try String.fetchSet(database, sql: "SELECT path FROM snapshot")
      return old.subtracting(kept)
    }
    if rows > 0 {
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA incremental_vacuum") }
    }
    return (rows, files.sorted())
  }
}

/// An `Encodable` of any type, for an encoder that wants a concrete one.
struct AnyPayload: Encodable {
  let value: any Encodable
  init(_ value: any Encodable) { self.value = value }
  func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
