import Foundation
import MedullaBase
import TestbedLink

/// UDP traffic from the client's end of a link to the server's that yields to nobody, and its accounts.
package final class BackgroundTraffic: @unchecked Sendable {
  /// What is sent.
  package struct Pattern: Codable, Equatable, Sendable {
    /// Bits of IP packets a second while it sends; 0: nothing.
    package var bitsPerSecond: Double
    /// Seconds of sending and of silence, in turn; nil: without a pause.
    package var on: Double?
    package var off: Double?

    package init(bitsPerSecond: Double, on: Double? = nil, off: Double? = nil) {
      self.bitsPerSecond = bitsPerSecond
      self.on = on
      self.off = off
    }

    package static let none = Pattern(bitsPerSecond: 0)

    /// Share of the time in which it sends.
    package var duty: Double {
      guard let on, let off, on + off > 0 else { return 1 }
      return on / (on + off)
    }

    /// Share of the time between two times after its beginning in which it sends.
    package func duty(from start: Double, to end: Double) -> Double {
      guard bitsPerSecond > 0, end > start else { return 0 }
      guard let on, let off, on + off > 0 else { return 1 }
      func sent(until time: Double) -> Double {
        let periods = (time / (on + off)).rounded(.down)
        return periods * on + min(time - periods * (on + off), on)
      }
      return (sent(until: end) - sent(until: start)) / (end - start)
    }

    /// Whether it sends `seconds` after it began.
    func sends(at seconds: Double) -> Bool {
      guard bitsPerSecond > 0 else { return false }
      guard let on, let off, on + off > 0 else { return true }
      return seconds.truncatingRemainder(dividingBy: on + off) < on
    }
  }

  /// Packets sent and received since the start.
  package struct Counts: Codable, Equatable, Sendable {
    package var sent = 0
    package var received = 0
  }

  static let port: UInt16 = 9
  /// Bytes of one IP packet.
  package static let packetBytes = 1500
  private static let payloadBytes = packetBytes - 28
  /// What a late sender makes up for at once: on a busy machine a sleep of a millisecond takes several.
  private static let burstSeconds = 0.02
  private static let leastBurstPackets = 16.0
  private static let tickNanoseconds: Int64 = 500_000

  // The lock guards `pattern`, `patternStart`, `counts` and `stopping`; everything else is constant.
  private let lock = NSLock()
  private var pattern = Pattern.none
  private var patternStart: UInt64 = 0
  private var counts = Counts()
  private var stopping = false
  private let ended = DispatchSemaphore(value: 0)
  private let sender: Int32
  private let receiver: Int32

  /// Starts with silence; `follow` sets what to send.
  package init(over link: LinkEmulator) throws {
    receiver = try NamespaceSocket.udp(in: link.server, boundTo: LinkEmulator.Address.server, port: Self.port)
    do {
      sender = try NamespaceSocket.udp(
        in: link.client, connectedTo: LinkEmulator.Address.server, port: Self.port)
    } catch {
      close(receiver)
      throw error
    }
    let thread = Thread { [self] in
      run()
      ended.signal()
    }
    thread.name = "medulla-background"
    thread.start()
  }

  /// Sends another pattern from now on; gives the time on the monotonic clock.
  @discardableResult
  package func follow(_ next: Pattern) -> UInt64 {
    lock.withLock {
      pattern = next
      patternStart = MonotonicClock.nanoseconds
      return patternStart
    }
  }

  package func read() -> Counts { lock.withLock { counts } }

  /// Ends the traffic; safe to call twice.
  @discardableResult
  package func stop() -> Counts {
    let first = lock.withLock {
      defer { stopping = true }
      return !stopping
    }
    if first {
      ended.wait()
      close(sender)
      close(receiver)
    }
    return read()
  }

  /// A packet is due as soon as the credit of the elapsed time pays for it.
  private func run() {
    let payload = [UInt8](repeating: 0x6d, count: Self.payloadBytes)
    var chunk = [UInt8](repeating: 0, count: 2048)
    var credit = 0.0
    var last = MonotonicClock.nanoseconds
    while true {
      let (current, start, ends) = lock.withLock { (pattern, patternStart, stopping) }
      if ends { return }
      let now = MonotonicClock.nanoseconds
      let elapsed = Double(now &- last) / 1e9
      last = now
      let sends = current.sends(at: Double(now &- start) / 1e9)
      credit = sends ? credit + elapsed * current.bitsPerSecond / 8 / Double(Self.packetBytes) : 0
      let burst = Self.burstSeconds * current.bitsPerSecond / 8 / Double(Self.packetBytes)
      credit = min(credit, max(burst, Self.leastBurstPackets))
      var sent = 0
      while credit >= 1 {
        credit -= 1
        if send(sender, payload, payload.count, Int32(MSG_DONTWAIT)) > 0 { sent += 1 }
      }
      var received = 0
      while recv(receiver, &chunk, chunk.count, Int32(MSG_DONTWAIT)) > 0 { received += 1 }
      if sent + received > 0 {
        lock.withLock {
          counts.sent += sent
          counts.received += received
        }
      }
      usleep(UInt32(Self.tickNanoseconds / 1000))
    }
  }
}
