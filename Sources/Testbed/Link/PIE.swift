import MedullaBase

/// The controller of RFC 8033 with ECN and with a cap on steps, at its default parameters: packets are
/// dropped as they arrive, with a probability that follows the wait in the queue; an ECN-capable one is
/// marked instead while the probability is at most a tenth. Without the RFC's optional de-randomization.
///
/// The wait is that of the last packet that left, by its time stamp, as Linux measures it by default.
struct PIE {
  /// In seconds.
  static let referenceSeconds = 0.015
  static let periodNanoseconds: UInt64 = 15_000_000
  static let burstNanoseconds: UInt64 = 150_000_000
  static let largestMarked = 0.1
  private static let (alpha, beta) = (0.125, 1.25)
  /// Below each probability, the part of a step that is taken (section 4.2).
  private static let tuning = [
    (0.000001, 1 / 2048.0), (0.00001, 1 / 512.0), (0.0001, 1 / 128.0), (0.001, 1 / 32.0), (0.01, 1 / 8.0),
    (0.1, 1 / 2.0),
  ]

  private let packetBytes: Int
  private(set) var probability = 0.0
  /// In seconds, now and at the last update.
  private var wait = 0.0
  private var formerWait = 0.0
  private var burstLeft = Self.burstNanoseconds
  private var nextUpdate: UInt64
  private var draws: SeededGenerator

  init(packetBytes: Int, seed: UInt64, at time: UInt64) {
    self.packetBytes = packetBytes
    nextUpdate = time &+ Self.periodNanoseconds
    draws = SeededGenerator(seed: seed)
  }

  /// What becomes of a packet that arrives. The caller has let the time pass until now.
  mutating func arrive(queueBytes: Int, isCapable: Bool) -> ActiveQueue.Fate {
    let isLight = formerWait < Self.referenceSeconds / 2 && probability < 0.2
    guard burstLeft == 0, !isLight, queueBytes > 2 * packetBytes, draws.unit() < probability else {
      return .pass
    }
    return isCapable && probability <= Self.largestMarked ? .mark : .drop
  }

  /// A packet leaves that has `waited`.
  mutating func leave(at time: UInt64, waited: UInt64, queueBytes: Int) {
    elapse(to: time)
    wait = queueBytes == 0 ? 0 : Double(waited) / 1e9
  }

  /// Makes the updates that are due.
  mutating func elapse(to time: UInt64) {
    while nextUpdate <= time {
      update()
      nextUpdate &+= Self.periodNanoseconds
      // Nothing changes any more until a packet comes: a long silence costs no more than a short one.
      if isAtRest, nextUpdate <= time {
        nextUpdate &+= (time &- nextUpdate) / Self.periodNanoseconds &* Self.periodNanoseconds
      }
    }
  }

  private var isAtRest: Bool {
    probability == 0 && wait == 0 && formerWait == 0 && burstLeft == Self.burstNanoseconds
  }

  private mutating func update() {
    var step = Self.alpha * (wait - Self.referenceSeconds) + Self.beta * (wait - formerWait)
    step *= Self.tuning.first { probability < $0.0 }?.1 ?? 1
    if probability >= 0.1 { step = min(step, 0.02) }
    probability += step
    if wait == 0, formerWait == 0 { probability *= 0.98 }
    probability = min(max(probability, 0), 1)
    burstLeft -= min(burstLeft, Self.periodNanoseconds)
    let half = Self.referenceSeconds / 2
    if probability == 0, wait < half, formerWait < half { burstLeft = Self.burstNanoseconds }
    formerWait = wait
  }
}
