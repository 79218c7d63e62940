import Foundation

extension PathReport {
  /// One line about the whole recording.
  package func summary(named name: String) -> String {
    let seconds = windows.reduce(0) { $0 + $1.seconds }
    let rate = seconds > 0 ? Double(deliveredBytes) * 8 / seconds / 1e6 : 0
    let longest = windows.max { $0.deliveredSegments < $1.deliveredSegments }
    let delay = longest?.queueingDelay
    return "\(name): \(decimal(rate, 2)) Mbit/s over \(decimal(seconds, 1)) s, "
      + "\(droppedSegments) dropped, \(lostSegments) lost, \(markedSegments) marked, "
      + (policedSegments > 0 ? "\(policedSegments) policed, " : "")
      + (reorderedSegments > 0 ? "\(reorderedSegments) reordered, " : "")
      + (duplicatedSegments > 0 ? "\(duplicatedSegments) duplicated, " : "")
      + "queueing delay \(decimal(delay?.meanMilliseconds ?? 0, 2)) ms mean, "
      + "\(decimal(delay?.p95Milliseconds ?? 0, 2)) ms p95"
  }
}

/// `value` with `places` digits after the point.
package func decimal(_ value: Double, _ places: Int) -> String {
  String(format: "%.\(places)f", value)
}
