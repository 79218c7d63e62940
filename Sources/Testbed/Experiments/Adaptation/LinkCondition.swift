import MedullaLearning
import TestbedLink
import TestbedWorkload

/// What a link and its background traffic are like for one interval of the experiment `fig12`.
struct LinkCondition: Sendable {
  var name: String
  var rateMbps: Double
  var rttMilliseconds = 30.0
  var bufferBdp: Double
  /// Random loss towards the server.
  var loss = 0.0
  var background = BackgroundTraffic.Pattern.none

  private var cell: LinkCell {
    LinkCell(
      rateMbps: rateMbps, rttMilliseconds: rttMilliseconds, bufferBdp: bufferBdp, loss: loss)
  }

  func link(seed: UInt64) -> LinkConfiguration { cell.link(seed: seed) }

  /// Background traffic over the link's rate, on average.
  var backgroundShare: Double {
    background.bitsPerSecond * background.duty / (rateMbps * 1e6)
  }

  /// Payload that one flow can have: what the background leaves, without headers. Random losses come before
  /// the bottleneck and take nothing from it.
  var availableMbps: Double {
    cell.capacityMbps * max(0, 1 - backgroundShare * (1 - loss))
  }

  /// Paths like this one, to train a network for it.
  var ranges: AuroraRanges {
    func around(_ value: Double, _ spread: Double) -> ClosedRange<Double> {
      (value / (1 + spread))...(value * (1 + spread))
    }
    var ranges = AuroraRanges(
      rate: around(rateMbps * 1e6, 0.2), roundTrip: around(rttMilliseconds / 1000, 0.1),
      buffer: around(bufferBdp, 0.2))
    if loss > 0 {
      ranges.lossChance = 1
      ranges.loss = around(loss, 0.2)
    }
    if backgroundShare > 0 {
      ranges.crossChance = 1
      ranges.cross = around(min(backgroundShare, 0.7), 0.2)
    }
    return ranges
  }

  var label: String {
    var text = "\(name): \(short(rateMbps)) Mbit/s, \(short(bufferBdp)) BDP"
    if loss > 0 { text += ", \(short(loss * 100))% loss" }
    if background.bitsPerSecond > 0 {
      text += ", UDP \(short(background.bitsPerSecond / 1e6)) Mbit/s"
      if let on = background.on, let off = background.off {
        text += " \(short(on)) s on, \(short(off)) s off"
      }
    }
    return text
  }
}
