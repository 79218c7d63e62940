import Foundation
import Logging

/// Writes log lines to standard error: with the journal's level in front where the journal reads, else with
/// the time of day for people.
package struct DaemonLog: LogHandler {
  package enum Form: Sendable {
    /// `<6>text`, as `sd-daemon(3)` says.
    case journal
    /// `12:34:56 notice text`.
    case terminal
  }

  package var logLevel: Logger.Level = .info
  package var metadata: Logger.Metadata = [:]
  private let label: String
  private let form: Form
  private let write: @Sendable (String) -> Void

  package init(
    label: String, form: Form, write: @escaping @Sendable (String) -> Void = DaemonLog.toStandardError
  ) {
    self.label = label
    self.form = form
    self.write = write
  }

  /// The journal's form when standard error goes there.
  package static func form(environment: [String: String] = ProcessInfo.processInfo.environment) -> Form {
    environment["JOURNAL_STREAM"] == nil ? .terminal : .journal
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let tail =
      all.isEmpty
      ? "" : " (" + all.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: " ") + ")"
    let text = "\(event.message)\(tail)"
    switch form {
    case .journal:
      // Each line has its level, or the journal takes it for another message.
      let level = "<\(Self.priority(event.level))>"
      write(
        text.split(separator: "\n", omittingEmptySubsequences: false).map { level + $0 }.joined(
          separator: "\n"))
    case .terminal:
      let level = HistoryAnswer.column(event.level.rawValue, 7)
      write("\(Self.timeOfDay()) \(level) \(text)")
    }
  }

  /// The levels of `syslog(3)`.
  static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }

  @Sendable package static func toStandardError(_ line: String) {
    output.write(line, to: STDERR_FILENO)
  }

  private static let output = LogOutput()

  private static func timeOfDay() -> String {
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }
}
