import Foundation
import MedullaBase

/// When a call is tried again. A value.
struct RetryPlan: Sendable {
  let attempts: Int
  let first: Duration
  let longest: Duration
  private var tried = 0

  init(attempts: Int, first: Duration, longest: Duration) {
    self.attempts = attempts
    self.first = first
    self.longest = longest
  }

  /// Statuses after which the same may succeed later.
  static func mayPass(_ status: Int) -> Bool { [408, 425, 429, 500, 502, 503, 504].contains(status) }

  /// The wait after a failure; nil: it is not tried again.
  ///
  /// - Parameters:
  ///   - chance: uniform in [0, 1): takes up to half of the wait away, so that many who failed at once do not
  ///     come again at once.
  ///   - asked: the service's own `Retry-After`, below which no wait is.
  mutating func wait(chance: Double, asked: Duration?) -> Duration? {
    tried += 1
    guard tried < attempts else { return nil }
    var wait = first
    for _ in 1..<max(tried, 1) where wait < longest { wait *= 2 }
    wait = min(wait, longest) * (1 - chance / 2)
    return max(wait, asked ?? .zero)
  }

  /// `Retry-After` as RFC 9110 has it, seconds or a date; nil: neither.
  ///
  /// - Parameter now: since the Unix epoch.
  static func retryAfter(_ text: String?, at now: Duration) -> Duration? {
    guard let text = text?.trimmingCharacters(in: .whitespaces), !text.isEmpty else { return nil }
    if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      return Int(text).map { .seconds(min($0, longestAsked)) }
    }
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "GMT")
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    guard let date = format.date(from: text) else { return nil }
    let wait = date.timeIntervalSince1970 - now.inSeconds
    return .seconds(min(max(wait, 0), Double(longestAsked)))
  }

  /// Seconds: no service silences an agent for more than a day.
  private static let longestAsked = 86_400
}
