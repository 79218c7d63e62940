import MedullaModel
import MedullaSnapshot

/// A tuned network and the snapshot that was made of it: one value on its whole way from its maker through
/// the gates to its slot and into the history.
package struct Candidate: Sendable, Equatable {
  package let network: Network
  package let file: SnapshotFile
  /// Mean error of the integers as a part of the output's range (`AccuracyReport.worstMean`).
  package let error: Double
  /// Whether it is an update of data only.
  package let matchesShape: Bool
  /// Inputs that it was calibrated and measured on.
  package let samples: Int
  /// How long freezing, quantizing and measuring took.
  package var seconds = 0.0

  package init(network: Network, file: SnapshotFile, error: Double, matchesShape: Bool, samples: Int) {
    self.network = network
    self.file = file
    self.error = error
    self.matchesShape = matchesShape
    self.samples = samples
  }
}

extension Candidate: CustomStringConvertible {
  package var description: String { "\(network.name) (\(file.digest.prefix(12)))" }
}
