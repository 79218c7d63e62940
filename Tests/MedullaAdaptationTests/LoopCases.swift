import MedullaModel
import MedullaSnapshot

@testable import MedullaAdaptation

/// What tests of the loop hand it.
enum LoopCases {
  /// Real, so that it can be compared; what gates and rollout go by is as the test says.
  static func candidate(error: Double = 0.001, matchesShape: Bool = true) -> Candidate {
    guard case .success(let (network, file)) = made else { preconditionFailure("\(made)") }
    return Candidate(network: network, file: file, error: error, matchesShape: matchesShape, samples: 200)
  }

  private static let made = Result {
    let network = try LearningCases.network([2, 4, 1])
    let calibration = Calibration(samples: FunctionRunnerTests.samples)
    return (network, try SnapshotFile(Quantizer().quantize(network, calibration)))
  }
}
