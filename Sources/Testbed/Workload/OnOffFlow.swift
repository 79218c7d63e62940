import MedullaBase

/// One on-off flow as decisions: told the time and what was sent and read, it says when to send, and which
/// bursts are complete.
struct OnOffFlow: Sendable {
  typealias News = FlowEvent<OnOffFlows.Burst>

  /// A burst that is being sent.
  private struct Sending {
    let begun: UInt64
    /// Bytes sent before it.
    let offset: Int
  }

  /// A burst that was sent and is not read yet.
  private struct Sent {
    let begun: UInt64
    let sendingSeconds: Double
    let bytes: Int
    /// Bytes that the receiver will have read then.
    let end: Int
  }

  /// Most bursts that the receiver may be behind.
  static let limit = 64

  private let number: Int
  private let on: DrawnSeconds
  private let off: DrawnSeconds
  private var random: SeededGenerator
  /// When it next begins or ends to send.
  private var change: UInt64
  private var sending: Sending?
  private var unread: [Sent] = []
  private var sentBytes = 0
  private var readBytes = 0

  /// - Parameter start: when its first burst begins.
  init(_ number: Int, on: DrawnSeconds, off: DrawnSeconds, seed: UInt64, start: UInt64) {
    self.number = number
    self.on = on
    self.off = off
    random = SeededGenerator(seed: seed)
    change = start
  }

  var isSending: Bool { sending != nil }
  /// Bursts that have begun and are not complete.
  var openBursts: Int { unread.count + (isSending ? 1 : 0) }

  func due(mayBegin: Bool) -> UInt64? { isSending || mayBegin ? change : nil }

  /// Makes the change that is due. Who comes late finds everything later: no burst is made up for.
  mutating func advance(to now: UInt64, mayBegin: Bool) -> [News] {
    guard now >= change else { return [] }
    if let burst = sending {
      sending = nil
      change = now &+ off.nanoseconds(&random)
      unread.append(
        Sent(
          begun: burst.begun, sendingSeconds: Double(now &- burst.begun) / 1e9,
          bytes: sentBytes - burst.offset, end: sentBytes))
      return completed(at: now)
    }
    guard mayBegin else { return [] }
    guard unread.count < Self.limit else {
      change = now &+ off.nanoseconds(&random)
      return [.skipped]
    }
    sending = Sending(begun: now, offset: sentBytes)
    change = now &+ on.nanoseconds(&random)
    return [.begun]
  }

  mutating func sent(_ bytes: Int) { sentBytes += bytes }

  mutating func read(_ bytes: Int, at now: UInt64) -> [News] {
    readBytes += bytes
    return completed(at: now)
  }

  private mutating func completed(at now: UInt64) -> [News] {
    let done = unread.prefix { $0.end <= readBytes }
    unread.removeFirst(done.count)
    return done.map {
      .completed(
        OnOffFlows.Burst(
          flow: number, begunNanoseconds: $0.begun, bytes: $0.bytes, sendingSeconds: $0.sendingSeconds,
          seconds: Double(now &- $0.begun) / 1e9))
    }
  }
}
