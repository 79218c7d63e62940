/// Which part of another snapshot a slice is.
package struct SliceRecord: Hashable, Sendable, Codable {
  package let firstStep: Int
  package let lastStep: Int
  /// The first output channel or neuron and the one after the last, when not all are in the slice.
  package let channels: [Int]?
  /// The float value of an input integer of 1.
  package let inputScale: Double

  package init(firstStep: Int, lastStep: Int, channels: Range<Int>?, inputScale: Double) {
    self.firstStep = firstStep
    self.lastStep = lastStep
    self.channels = channels.map { [$0.lowerBound, $0.upperBound] }
    self.inputScale = inputScale
  }
}
