import Foundation
import MedullaSnapshot
import TestbedMeasures

/// How well sizes are predicted when flows begin, by the integers that run, on flows that training has not
/// seen.
package struct FlowSizeAccuracy: Codable, Equatable, Sendable {
  package var flows: Int
  /// Part of the flows whose band is right, and at most one off.
  package var rightBand: Double
  package var withinOneBand: Double
  /// Root mean square error of the size's binary logarithm.
  package var errorBits: Double
  /// Part with the right band when what the two hosts sent before stands for the new one, and when each flow
  /// gets the most frequent band: what a network has to beat.
  package var rightBandOfPrevious: Double
  package var rightBandOfMostFrequent: Double
}

extension FlowSizeAccuracy {
  package init(_ snapshot: Snapshot, on flows: [FabricFlow], bands: FlowBands) {
    let interpreter = ReferenceInterpreter(snapshot)
    let bits = snapshot.shape.outputFractionBits
    let unit = Double(1 << bits)
    let truth = flows.map { bands.band(ofBytes: $0.bytes) }
    var predicted: [Int] = []
    var previous: [Int] = []
    var squares: [Double] = []
    for (flow, features) in zip(flows, FlowSizeFeatures.atStart(of: flows)) {
      let output = interpreter.run(
        features: interpreter.fixedPoint([FlowSizeFeatures.payload(flow, sent: 0)] + features))[0]
      predicted.append(bands.band(ofOutput: output, fractionBits: bits))
      previous.append(bands.band(ofBytes: Int(exp2(Double(features[0])) - 1)))
      let error = Double(output) / unit - log2(Double(flow.bytes))
      squares.append(error * error)
    }
    func part(_ guesses: [Int], within distance: Int) -> Double {
      let right = zip(guesses, truth).filter { abs($0 - $1) <= distance }.count
      return flows.isEmpty ? 0 : Double(right) / Double(flows.count)
    }
    let counts = truth.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
    self.flows = flows.count
    rightBand = part(predicted, within: 0)
    withinOneBand = part(predicted, within: 1)
    errorBits = Statistics.mean(squares).squareRoot()
    rightBandOfPrevious = part(previous, within: 0)
    rightBandOfMostFrequent = flows.isEmpty ? 0 : Double(counts.values.max() ?? 0) / Double(flows.count)
  }
}
