import Foundation
import GRDB
import MedullaAdaptation

/// A daemon's history, read while no daemon runs; nothing is written to it.
package struct HistoryArchive {
  package let path: String
  private let queue: DatabaseQueue

  package static func exists(in directory: String) -> Bool {
    FileManager.default.fileExists(atPath: path(in: directory))
  }

  private static func path(in directory: String) -> String {
    var settings = DaemonSettings()
    settings.state = directory
    return settings.historyPath
  }

  /// - Parameter directory: a daemon's `state`.
  package init(directory: String) throws(ControlError) {
    path = Self.path(in: directory)
    guard Self.exists(in: directory) else {
      throw ControlError(
        .notRunning, "there is no history in \(directory)",
        remedy: "name the `state` of the daemon's configuration with --state")
    }
    var configuration = GRDB.Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(2)
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
    } catch {
      throw ControlError(
        .history, "\(path) cannot be read: \(error)", remedy: "become root or a member of the group medulla")
    }
  }

  package func history(_ request: ControlRequest) throws(ControlError) -> HistoryAnswer {
    let since = request.since.map { Date().timeIntervalSince1970 - $0 }
    let limit = request.limit ?? 100
    return try reading { database in
      HistoryAnswer(
        records: try HistoryRows.records(
          HistoryQuery(function: request.function, kind: request.kind, since: since, limit: limit),
          in: database),
        snapshots: try HistoryRows.snapshots(function: request.function, limit: min(limit, 100), in: database)
      )
    }
  }

  /// Of a function, oldest first; the newest when there are more than the query wants.
  package func decisions(_ query: DecisionQuery) throws(ControlError) -> [RecordedDecision] {
    try reading { try HistoryRows.decisions(query, in: $0) }
  }

  /// Names of the functions that have recorded decisions.
  func functionsWithDecisions() throws(ControlError) -> [String] {
    try reading {
      // A history that an older daemon has written has no such table.
      guard try $0.tableExists("decision") else { return [] }
      return try String.fetchAll(
        $0, sql: "SELECT DISTINCT function FROM decision ORDER BY function LIMIT 256")
    }
  }

  package func snapshots(function: String, limit: Int = 1_000) throws(ControlError) -> [KeptSnapshot] {
    try reading { try HistoryRows.snapshots(function: function, limit: limit, in: $0) }
  }

  package func why(function: String?) throws(ControlError) -> WhyAnswer {
    try reading { database in
      let names = try function.map { [$0] } ?? HistoryRows.functions(in: database)
      return WhyAnswer(
        functions: try names.map { name in
          var last: [String: StoredRecord] = [:]
          for kind in WhyReport.kinds {
            last[kind] = try HistoryRows.records(
              HistoryQuery(function: name, kind: kind, limit: 1), in: database
            ).last
          }
          guard !last.isEmpty else {
            throw ControlError(.unknownFunction, "nothing is written down of a function \"\(name)\"")
          }
          return WhyReport(function: name, last: last, state: nil, now: Date().timeIntervalSince1970)
        })
    }
  }

  private func reading<Value>(_ body: (Database) throws -> Value) throws(ControlError) -> Value {
    do {
      return try queue.read(body)
    } catch let error as ControlError {
      throw error
    } catch {
      throw ControlError(.history, "\(path) cannot be read: \(error)")
    }
  }
}
