/// CUBIC as a sender of the simulator (RFC 9438 with Linux's constants: C = 0.4, beta = 717/1024, fast
/// convergence, HyStart by delay). It is not paced: acknowledgements are its clock.
struct CubicSender {
  /// Packets.
  private(set) var window = 10.0
  private var threshold = Double.infinity
  private var peak = 0.0
  private var epochStart: Int64 = -1
  /// Seconds from the epoch's start to the peak.
  private var flat = 0.0
  private var origin = 0.0
  private var reno = 0.0
  /// `delivered + lost` at which the losses of a cut have been repaired.
  private var recovered: Int64 = 0
  private var roundEnd: Int64 = 0
  private var roundLeast = Int64.max
  private var roundSamples = 0

  private static let beta = 717.0 / 1024
  private static let hyStartSamples = 8

  /// `count` packets were delivered; `gone` is what has been delivered or lost, `sent` what was sent.
  mutating func acknowledge(
    _ count: Int64, rtt: Int64, minRTT: Int64, now: Int64, gone: Int64, sent: Int64, isLimited: Bool
  ) {
    guard gone >= recovered, isLimited else { return }
    guard window >= threshold else {
      window += Double(count)
      leaveSlowStart(rtt: rtt, minRTT: minRTT, gone: gone, sent: sent)
      return
    }
    grow(count, minRTT: minRTT, now: now)
  }

  /// Packets were lost. What follows within the same window of data is the same event.
  mutating func lose(gone: Int64, sent: Int64) {
    guard gone >= recovered else { return }
    recovered = sent
    peak = window < peak ? window * (1 + Self.beta) / 2 : window
    window = max(window * Self.beta, 2)
    threshold = window
    epochStart = -1
  }

  mutating func timeout(sent: Int64) {
    peak = window
    threshold = max(window * Self.beta, 2)
    window = 1
    epochStart = -1
    recovered = sent
  }

  /// HyStart (Ha and Rhee, 2011) by delay: an eighth more of it, 4 to 16 ms, ends slow start.
  private mutating func leaveSlowStart(rtt: Int64, minRTT: Int64, gone: Int64, sent: Int64) {
    if gone >= roundEnd {
      roundEnd = sent
      roundLeast = .max
      roundSamples = 0
    }
    guard rtt > 0 else { return }
    roundLeast = min(roundLeast, rtt)
    roundSamples += 1
    let margin = min(max(minRTT / 8, 4_000_000), 16_000_000)
    if window >= 16, roundSamples >= Self.hyStartSamples, roundLeast > minRTT + margin { threshold = window }
  }

  private mutating func grow(_ count: Int64, minRTT: Int64, now: Int64) {
    if epochStart < 0 {
      epochStart = now
      reno = window
      origin = max(peak, window)
      flat = peak > window ? ((peak - window) / 0.4).cubeRoot : 0
    }
    let time = Double(now - epochStart + minRTT) / 1e9 - flat
    let target = origin + 0.4 * time * time * time
    reno += 3 * (1 - Self.beta) / (1 + Self.beta) * Double(count) / window
    let wanted = max(target, reno)
    // At least a hundredth of a packet, at most half a packet for each that is acknowledged.
    let step = min(max((wanted - window) / window, 0.01 / window), 0.5)
    window += step * Double(count)
  }
}
