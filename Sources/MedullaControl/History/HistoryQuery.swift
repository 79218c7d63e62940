import Foundation
import GRDB
import MedullaAdaptation
import MedullaBase

/// Which records of the history are wanted.
package struct HistoryQuery: Sendable, Equatable {
  package var function: String?
  package var kind: String?
  /// Not older than this, in seconds since 1970.
  package var since: Double?
  /// The newest so many.
  package var limit: Int

  package init(function: String? = nil, kind: String? = nil, since: Double? = nil, limit: Int = 100) {
    self.function = function
    self.kind = kind
    self.since = since
    self.limit = min(max(limit, 1), ControlProtocol.recordLimit)
  }
}

/// A snapshot of which the file was kept.
package struct KeptSnapshot: Sendable, Equatable, Codable {
  package var time: Double
  package var function: String
  package var version: UInt64
  /// SHA-256 of the file's contents, in hexadecimal.
  package var digest: String
  package var name: String
  package var path: String
  package var bytes: Int
}

/// Something to be written down.
enum HistoryEntry: Sendable {
  case record(StoredRecord)
  case snapshot(KeptSnapshot)
  /// Of one function, which then has at most `limit`.
  case decisions([RecordedDecision], of: String, limit: Int)
}

/// Reads rows; the same for the daemon's own file and for one that is only read.
enum HistoryRows {
  static func records(_ query: HistoryQuery, in database: Database) throws -> [StoredRecord] {
    var conditions: [String] = []
    var arguments: [any DatabaseValueConvertible] = []
    if let function = query.function {
      conditions.append("function = ?")
      arguments.append(function)
    }
    if let kind = query.kind {
      conditions.append("kind = ?")
      arguments.append(kind)
    }
    if let since = query.since {
      conditions.append("time >= ?")
      arguments.append(since)
    }
    let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    let rows = try Row.fetchAll(
      database, sql: "SELECT * FROM record \(filter) ORDER BY id DESC LIMIT ?",
      arguments: StatementArguments(arguments + [query.limit]))
    return rows.reversed().compactMap(record)
  }

  /// Names of all functions that have records.
  static func functions(in database: Database) throws -> [String] {
    try String.fetchAll(database, sql: "SELECT DISTINCT function FROM record ORDER BY function LIMIT 256")
  }

  static func snapshots(function: String?, limit: Int, in database: Database) throws -> [KeptSnapshot] {
    let filter = function == nil ? "" : "WHERE function = ?"
    let arguments: [any DatabaseValueConvertible] = function.map { [$0, limit] } ?? [limit]
    let rows = try Row.fetchAll(
      database, sql: "SELECT * FROM snapshot \(filter) ORDER BY id DESC LIMIT ?",
      arguments: StatementArguments(arguments))
    return rows.reversed().map { row in
      KeptSnapshot(
        time: row["time"], function: row["function"], version: UInt64(clamping: row["version"] as Int64),
        digest: row["digest"], name: row["name"], path: row["path"], bytes: row["bytes"])
    }
  }

  /// nil for a row of a newer version that this one does not know.
  private static func record(_ row: Row) -> StoredRecord? {
    let kind: String = row["kind"]
    guard LoopRecord.kinds.contains(kind) else { return nil }
    let text = "{\"function\":\"\",\"kind\":\"\(kind)\",\"record\":\(row["body"] as String),\"time\":0}"
    guard var stored = try? ControlAnswer.decoder().decode(StoredRecord.self, from: Data(text.utf8)) else {
      return nil
    }
    stored.id = row["id"]
    stored.time = row["time"]
    stored.function = row["function"]
    return stored
  }
}
