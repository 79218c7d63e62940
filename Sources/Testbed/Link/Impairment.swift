import MedullaBase

/// Loss in bursts: the chain of Gilbert (1960) with the loss probabilities of Elliott (1963).
///
/// The path is good or bad. Before each segment it turns bad with `toBad` or good with `toGood`; then the
/// segment is lost with the state's probability. With the default of 1 in bad and 0 in good, the mean loss is
/// `toBad / (toBad + toGood)` and the mean burst `1 / toGood` segments.
package struct BurstLoss: Codable, Equatable, Sendable {
  /// Probability of good to bad (p), and of bad to good (r).
  package var toBad: Double
  package var toGood: Double
  /// Probability of loss in each state.
  package var lossInBad: Double
  package var lossInGood: Double

  package init(toBad: Double, toGood: Double, lossInBad: Double = 1, lossInGood: Double = 0) {
    (self.toBad, self.toGood) = (toBad, toGood)
    (self.lossInBad, self.lossInGood) = (lossInBad, lossInGood)
  }

  /// Share of segments lost in the long run.
  package var meanLoss: Double { (toBad * lossInBad + toGood * lossInGood) / (toBad + toGood) }
  /// Mean number of segments that a bad time lasts.
  package var meanBurst: Double { 1 / toGood }

  var isValid: Bool {
    let probabilities = 0.0...1.0
    return toGood > 0 && [toBad, toGood, lossInBad, lossInGood].allSatisfy(probabilities.contains)
  }
}

/// A share of segments that travel longer, so that those sent after them arrive before them.
package struct Reordering: Codable, Equatable, Sendable {
  package var share: Double
  /// On top of the path's delay.
  package var extraNanoseconds: UInt64

  package init(share: Double, extraNanoseconds: UInt64) {
    (self.share, self.extraNanoseconds) = (share, extraNanoseconds)
  }

  var isValid: Bool {
    (0...1).contains(share) && (1...LinkLimits.delayNanoseconds).contains(extraNanoseconds)
  }
}

/// What a path does to segments by chance, each kind with draws of its own, so that one kind does not change
/// what another does to the same traffic.
struct Impairment {
  /// What befalls a segment before the queue.
  enum Loss {
    case random
    case burst
  }

  private var lossProbability = 0.0
  private var burstLoss: BurstLoss?
  private var reordering: Reordering?
  private var duplicateProbability = 0.0
  private var isBad = false
  private var lossDraws: SeededGenerator
  private var burstDraws: SeededGenerator
  private var reorderDraws: SeededGenerator
  private var duplicateDraws: SeededGenerator

  init(_ path: PathConfiguration, seed: UInt64) {
    let seeds = Self.seeds(of: seed)
    lossDraws = SeededGenerator(seed: seed)
    burstDraws = SeededGenerator(seed: seeds.burst)
    reorderDraws = SeededGenerator(seed: seeds.reorder)
    duplicateDraws = SeededGenerator(seed: seeds.duplicate)
    follow(path)
  }

  /// Seeds of draws that know nothing of each other: a seed's own first draws, inverted, are as good as
  /// unrelated to it. The last is for the queue's discipline.
  static func seeds(of seed: UInt64) -> (burst: UInt64, reorder: UInt64, duplicate: UInt64, queue: UInt64) {
    var seeds = SeededGenerator(seed: ~seed)
    return (~seeds.next(), ~seeds.next(), ~seeds.next(), ~seeds.next())
  }

  /// Follows another configuration; the draws go on, and a bad time goes on where burst loss stays.
  mutating func follow(_ path: PathConfiguration) {
    lossProbability = path.lossProbability
    burstLoss = path.burstLoss
    reordering = path.reordering
    duplicateProbability = path.duplicateProbability
    if burstLoss == nil { isBad = false }
  }

  /// Whether the next segment is lost. The chain of bursts takes its step also where the random loss has
  /// already taken the segment.
  @inline(__always)
  mutating func takeLoss() -> Loss? {
    let random = lossProbability > 0 && lossDraws.unit() < lossProbability
    guard let burst = burstLoss else { return random ? .random : nil }
    if burstDraws.unit() < (isBad ? burst.toGood : burst.toBad) { isBad.toggle() }
    let lost = burstDraws.unit() < (isBad ? burst.lossInBad : burst.lossInGood)
    return random ? .random : lost ? .burst : nil
  }

  /// How much longer the next segment travels; mostly 0.
  @inline(__always)
  mutating func takeExtraDelay() -> UInt64 {
    guard let reordering, reorderDraws.unit() < reordering.share else { return 0 }
    return reordering.extraNanoseconds
  }

  /// How often the next segment arrives: once or twice.
  @inline(__always)
  mutating func takeCopies() -> Int {
    duplicateProbability > 0 && duplicateDraws.unit() < duplicateProbability ? 2 : 1
  }
}
