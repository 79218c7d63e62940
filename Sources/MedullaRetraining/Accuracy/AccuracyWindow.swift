/// Labelled decisions of one window, of so many flows or of a time.
package struct AccuracyWindow: Sendable, Equatable, Codable {
  /// A decision with the label that agents gave later.
  package struct Judgement: Sendable, Equatable, Codable {
    /// The class that the network in the datapath gave; nil: it was unsure, which misses the flow.
    package let prediction: Int?
    package let label: Int
    /// How probable it was that this flow would be asked about, 0 to 1: a flow that stands for many counts
    /// as many (Horvitz and Thompson, 1952).
    package let inclusion: Double
    /// How probable it is that the label is wrong, 0 to 1.
    package let labelError: Double

    package init(prediction: Int?, label: Int, inclusion: Double = 1, labelError: Double = 0) {
      (self.prediction, self.label) = (prediction, label)
      self.inclusion = min(max(inclusion, 1e-6), 1)
      self.labelError = min(max(labelError, 0), 1)
    }

    package var weight: Double { 1 / inclusion }
  }

  package let classes: Int
  package private(set) var judgements: [Judgement] = []

  package init(classes: Int) { self.classes = classes }

  /// Adds a decision; one whose classes the network does not have is left out.
  package mutating func add(_ judgement: Judgement) {
    guard judgement.label >= 0, judgement.label < classes,
      judgement.prediction.map({ $0 >= 0 && $0 < classes }) ?? true
    else { return }
    judgements.append(judgement)
  }

  package var count: Int { judgements.count }
  /// Classes that have a label.
  package var labelledClasses: Int { Set(judgements.map(\.label)).count }
  /// Of the labels, the share that the predictions are not.
  package var disagreement: Double? {
    guard !judgements.isEmpty else { return nil }
    return Double(judgements.filter { $0.prediction != $0.label }.count) / Double(count)
  }
}
