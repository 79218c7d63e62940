/// How the flows that are asked about are shared out among the reasons.
package struct SelectionShares: Sendable, Equatable {
  /// Of novel flows, and of small margins; what is left is the random share, which there must be.
  package var novelty: Double
  package var margin: Double

  package init(novelty: Double = 0.25, margin: Double = 0.25) {
    self.novelty = novelty
    self.margin = margin
  }

  /// After drift: novel flows first.
  package static let burst = SelectionShares(novelty: 0.6, margin: 0)

  /// The random share is at least a tenth: weights would else be so large that an estimate says nothing.
  static let leastRandom = 0.1

  package func check() throws(LabelBookError) {
    guard novelty >= 0, margin >= 0, novelty + margin <= 1 - Self.leastRandom else {
      throw LabelBookError(
        .badSetting, "flows cannot be chosen by the shares \(novelty) of novel ones and \(margin) by margin",
        cause: "at least a tenth is chosen at random, so that the proxy is unbiased",
        remedy: "Shares are at least 0 and together at most 0.9.")
    }
  }
}
