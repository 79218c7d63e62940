/// BBR's first version as a sender of the simulator (Cardwell et al., 2016; Linux's `tcp_bbr.c`): the largest
/// delivery rate of ten rounds and the least round trip of ten seconds set rate and window; losses do not.
struct BBRSender {
  private enum Mode {
    case startup, drain, probeBandwidth, probeRoundTrip
  }

  /// Bytes a second, and packets.
  private(set) var rate = 0.0
  private(set) var window = 10.0
  private let payload: Double
  private var mode = Mode.startup
  /// The largest rate samples of the last rounds, packets a second, newest last.
  private var samples = [Double](repeating: 0, count: 10)
  private var minRTT = Int64.max
  private var minStamp: Int64 = 0
  private var roundEnd: Int64 = 0
  private var fullRate = 0.0
  private var fullRounds = 0
  private var cycle = 2
  private var cycleStamp: Int64 = 0
  private var probeEnd: Int64 = 0

  private static let high = 2.885
  private static let gains = [1.25, 0.75, 1, 1, 1, 1, 1, 1]
  private static let leastWindow = 4.0

  private var bandwidth: Double { samples.max() ?? 0 }
  private func product(_ gain: Double) -> Double { gain * bandwidth * Double(minRTT) / 1e9 }

  /// `payload` are the bytes of a packet that count for the rate.
  init(roundTrip: Int64, now: Int64, phase: Int, payload: Int) {
    self.payload = Double(payload)
    minRTT = roundTrip
    minStamp = now
    rate = Self.high * 10 * self.payload / max(Double(roundTrip) / 1e9, 1e-3)
    cycle = 1 + phase % 7
  }

  /// `sample` is the delivery rate in packets a second; 0: none. `delivered` counts packets.
  mutating func acknowledge(
    sample: Double, isLimited: Bool, rtt: Int64, now: Int64, delivered: Int64, before: Int64, inFlight: Int64,
    lost: Int64
  ) {
    let isRound = before >= roundEnd
    if isRound {
      roundEnd = delivered
      samples.removeFirst()
      samples.append(0)
    }
    if sample > 0, !isLimited || sample >= bandwidth { samples[9] = max(samples[9], sample) }
    let isOld = now - minStamp > 10_000_000_000
    if rtt > 0, rtt <= minRTT || isOld {
      minRTT = rtt
      minStamp = now
    }
    if isRound { judgeFullness() }
    step(now, inFlight, lost)
    if isOld, mode != .probeRoundTrip {
      mode = .probeRoundTrip
      probeEnd = 0
    }
    if mode == .probeRoundTrip { probeRoundTrip(now, inFlight) }
    set()
  }

  private mutating func judgeFullness() {
    guard mode == .startup else { return }
    if bandwidth >= fullRate * 1.25 {
      fullRate = bandwidth
      fullRounds = 0
    } else {
      fullRounds += 1
      if fullRounds >= 3 { mode = .drain }
    }
  }

  private mutating func step(_ now: Int64, _ inFlight: Int64, _ lost: Int64) {
    if mode == .drain, Double(inFlight) <= product(1) {
      mode = .probeBandwidth
      cycleStamp = now
    }
    guard mode == .probeBandwidth else { return }
    let passed = now - cycleStamp > minRTT
    let isOver =
      switch Self.gains[cycle] {
      case 1.25: passed && (lost > 0 || Double(inFlight) >= product(1.25))
      case 0.75: passed || Double(inFlight) <= product(1)
      default: passed
      }
    if isOver {
      cycle = (cycle + 1) % Self.gains.count
      cycleStamp = now
    }
  }

  private mutating func probeRoundTrip(_ now: Int64, _ inFlight: Int64) {
    if probeEnd == 0, Double(inFlight) <= Self.leastWindow { probeEnd = now + 200_000_000 }
    if probeEnd > 0, now >= probeEnd {
      minStamp = now
      mode = fullRounds >= 3 ? .probeBandwidth : .startup
      cycleStamp = now
    }
  }

  private mutating func set() {
    let (pace, held): (Double, Double) =
      switch mode {
      case .startup: (Self.high, Self.high)
      case .drain: (1 / Self.high, Self.high)
      case .probeBandwidth: (Self.gains[cycle], 2)
      case .probeRoundTrip: (1, 0)
      }
    guard bandwidth > 0 else { return }
    let wanted = pace * bandwidth * payload * 0.99
    if mode != .startup || wanted > rate { rate = wanted }
    window = mode == .probeRoundTrip ? Self.leastWindow : max(product(held) + 3 * 2, Self.leastWindow)
  }
}
