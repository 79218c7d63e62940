import MedullaAdaptation
import MedullaCongestion
import MedullaDatapath
import MedullaLearning

/// What a batch of the congestion control's samples says about the path that its flows take.
package struct PathEstimate: Sendable, Equatable {
  /// Bits a second of whole packets: what all flows together got while the path was busy.
  package var rate: ClosedRange<Double>
  /// Minimum round-trip times, in seconds.
  package var roundTrip: ClosedRange<Double>
  /// The largest queueing delay seen, in seconds.
  package var queueing: Double
  /// Whether packets were lost while there was a queue: then the buffer is no larger than that.
  package var isBufferKnown: Bool
  /// Share of packets that were lost when there was no queue.
  package var loss: Double
  /// Flows that shared the path at a time.
  package var flows: Int
  package var samples: Int

  /// Samples below this say too little.
  static let leastSamples = 8
  /// Packets without which nothing is said about random loss. A flow that takes loss for congestion sends few
  /// of them in a batch, and is the one that needs the estimate.
  static let leastPackets = 100.0
  /// Bytes of a packet for each byte of payload, at full size.
  static let packetShare = 1500.0 / 1448.0

  /// nil when there are too few samples of a congestion control.
  package init?(_ samples: [FunctionSample]) {
    var rates: [Double] = []
    var busyRates: [Double] = []
    var paths: [Double] = []
    var queues: [Double] = []
    var quiet = (lost: 0.0, sent: 0.0)
    var busyLost: Int64 = 0
    var spans: [UInt64: ClosedRange<Double>] = [:]
    for sample in samples {
      guard let outcome = CongestionOutcome(sample.outcomes), outcome.minimumRoundTripMicroseconds > 0,
        outcome.roundTripMicroseconds > 0, outcome.deliveryRate > 0
      else { continue }
      let least = Double(outcome.minimumRoundTripMicroseconds)
      let queue = max(0, Double(outcome.roundTripMicroseconds) - least)
      let isBusy = queue > max(CongestionReward.queueShare * least, CongestionReward.queueMicroseconds)
      let rate = Double(outcome.deliveryRate) * 8 * Self.packetShare
      rates.append(rate)
      paths.append(least / 1e6)
      queues.append(queue / 1e6)
      let end = Double(sample.nanoseconds)
      let start = end - Double(max(outcome.intervalMicroseconds, 0)) * 1e3
      let known = spans[sample.flow] ?? start...end
      spans[sample.flow] = min(known.lowerBound, start)...max(known.upperBound, end)
      if isBusy {
        busyRates.append(rate)
        busyLost += max(outcome.lost, 0)
      } else {
        quiet.lost += Double(max(outcome.lost, 0))
        quiet.sent += Double(max(outcome.lost, 0)) + Double(max(outcome.acknowledged, 0))
      }
    }
    guard rates.count >= Self.leastSamples else { return nil }
    // A busy path shows what it can carry; an idle one only what was asked of it.
    let told = (busyRates.count * 5 >= rates.count ? busyRates : rates).sorted()
    let scale = Self.concurrency(Array(spans.values))
    paths.sort()
    queues.sort()
    self.samples = rates.count
    flows = max(Int(scale.rounded()), 1)
    rate = (Self.at(0.25, told) * scale)...(Self.at(0.95, told) * scale)
    roundTrip = Self.at(0.05, paths)...Self.at(0.95, paths)
    queueing = Self.at(0.99, queues)
    isBufferKnown = busyLost > 0
    loss = quiet.sent >= Self.leastPackets ? min(quiet.lost / quiet.sent, 0.5) : 0
  }

  /// How many of the spans there were at a time, on average over the time in which there was one.
  static func concurrency(_ spans: [ClosedRange<Double>]) -> Double {
    var (sum, covered, end) = (0.0, 0.0, -Double.infinity)
    for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      sum += span.upperBound - span.lowerBound
      covered += max(0, span.upperBound - max(span.lowerBound, end))
      end = max(end, span.upperBound)
    }
    return covered > 0 ? max(sum / covered, 1) : Double(max(spans.count, 1))
  }

  private static func at(_ part: Double, _ sorted: [Double]) -> Double {
    sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
  }

  /// How unlike another path this is: the largest ratio of rates, round trips and losses, as a natural
  /// logarithm. The queue is left out, since it is the network's own doing.
  package func distance(to other: PathEstimate) -> Double {
    func ratio(_ a: Double, _ b: Double) -> Double { abs(Self.logarithm(max(a, 1e-9) / max(b, 1e-9))) }
    let losses = ratio(loss + 0.005, other.loss + 0.005)
    return max(
      ratio(rate.upperBound, other.rate.upperBound), ratio(roundTrip.lowerBound, other.roundTrip.lowerBound),
      losses)
  }

  /// Moves a part of the way to a newer estimate of the same path.
  mutating func follow(_ newer: PathEstimate, part: Double) {
    func between(_ old: Double, _ new: Double) -> Double { old + (new - old) * part }
    func between(_ old: ClosedRange<Double>, _ new: ClosedRange<Double>) -> ClosedRange<Double> {
      let low = between(old.lowerBound, new.lowerBound)
      return low...max(low, between(old.upperBound, new.upperBound))
    }
    rate = between(rate, newer.rate)
    roundTrip = between(roundTrip, newer.roundTrip)
    // What a buffer has once held it can hold, so its size sinks slowly.
    queueing = max(newer.queueing, queueing * 0.98)
    isBufferKnown = isBufferKnown || newer.isBufferKnown
    loss = between(loss, newer.loss)
    flows = newer.flows
    samples += newer.samples
  }

  /// The paths to train on: somewhat wider than what was seen, since the next traffic is never quite the
  /// same.
  package var ranges: AuroraRanges {
    let low = min(max(rate.lowerBound * 0.7, 2e5), 5e10)
    let high = min(max(rate.upperBound * 1.3, low), 1e11)
    let shortest = min(max(roundTrip.lowerBound * 0.85, 2e-5), 9)
    let longest = min(max(roundTrip.upperBound * 1.15, shortest), 10)
    let products = queueing / max(roundTrip.lowerBound, 1e-5)
    let smallest = min(max(isBufferKnown ? products * 0.6 : products, 0.2), 50)
    let largest = min(max(isBufferKnown ? products * 1.5 : products * 3, smallest * 1.5, 1), 100)
    let lossy = loss > 0.0005
    let center = min(max(loss, 0.0005), 0.3)
    return AuroraRanges(
      rate: low...high, roundTrip: shortest...longest, buffer: smallest...largest,
      lossChance: lossy ? 0.8 : 0.05, loss: (center / 2)...(center * 2),
      sharedChance: flows > 1 ? 0.6 : 0.2, flowLimit: min(max(flows, 2), 4), spreadChance: 0.1,
      changeChance: rate.upperBound > rate.lowerBound * 1.5 ? 0.5 : 0.2, change: 0.5...2, crossChance: 0.15)
  }

  private static func logarithm(_ value: Double) -> Double { Double(Float(value).logarithm) }
}
