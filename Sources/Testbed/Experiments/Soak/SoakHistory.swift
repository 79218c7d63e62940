import Foundation
import MedullaBase
import TestbedLink

/// The daemon's history as `medulla history --json` prints it, gathered over the daemon's lives.
struct SoakHistory {
  private struct Answer: Decodable {
    var records: [Row]
  }

  private struct Row: Decodable {
    struct Body: Decodable {
      var outcome: String?
      var from: Int?
    }

    var id: Int
    var time: Double
    var version: Int?
    var record: Body
  }

  /// As many as the command prints at once; a minute has about ten.
  private static let limit = 5_000

  /// Of the soak's beginning, in seconds since 1970.
  private let begin: Double
  private var rows: [Int: SoakRollouts.Record] = [:]

  init(begin: Date) {
    self.begin = begin.timeIntervalSince1970
  }

  var records: [SoakRollouts.Record] { rows.sorted { $0.key < $1.key }.map(\.value) }

  /// Takes in what one kind's records say.
  mutating func note(_ kind: String, _ json: String) throws {
    let answer = try JSONDecoder().decode(Answer.self, from: Data(json.utf8))
    for row in answer.records {
      let event: SoakRollouts.Record.Event =
        switch kind {
        case "promotion": .promotion
        case "rollback": .rollback
        default: .verdict(row.record.outcome ?? "unknown")
        }
      guard let version = row.version ?? row.record.from else { continue }
      rows[row.id] = .init(row.time - begin, version, event)
    }
  }

  /// Reads what a daemon has written down that is gone now.
  mutating func read(_ slowPath: SlowPath, executable: String) throws {
    for kind in ["promotion", "verdict", "rollback"] {
      let outcome = try ChildProcess.run([
        SiblingProgram.path("medulla", beside: executable), "history", slowPath.name, "--socket",
        slowPath.socketPath, "--state", slowPath.statePath,
        "--kind", kind, "--limit", "\(Self.limit)", "--json",
      ])
      try note(kind, outcome.outputText)
    }
  }
}
