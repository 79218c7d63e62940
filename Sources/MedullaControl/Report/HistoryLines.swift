import Foundation
import MedullaAdaptation

extension HistoryAnswer {
  /// The kinds of records.
  package static var kinds: [String] { LoopRecord.kinds }

  /// A line for each record: when, of which function, what.
  package var recordLines: [String] {
    records.map { stored in
      "\(Self.time(stored.time))  \(Self.column(stored.function, 15))  "
        + "\(Self.column(stored.record.kind, 9))  \(stored.sentence)"
    }
  }

  /// A line for each snapshot that was kept.
  package var snapshotLines: [String] {
    snapshots.map { kept in
      "\(Self.time(kept.time))  \(Self.column(kept.function, 15))  "
        + "\(Self.column("v\(kept.version)", 9))  \(kept.digest.prefix(12))  \(kept.path)"
    }
  }

  static func column(_ text: String, _ width: Int) -> String {
    text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
  }

  /// The local time, `2026-11-21 12:34:56`.
  static func time(_ seconds: Double) -> String {
    var moment = time_t(seconds)
    var parts = tm()
    localtime_r(&moment, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }
}

extension DaemonReport {
  /// From the bytes of an answer to `status` or `top`.
  package init(answer bytes: [UInt8]) throws(ControlError) {
    self = try ControlClient.decode(bytes, as: DaemonReport.self)
  }
}
