import Foundation
import MedullaBase
import TestbedMeasures

/// What was measured, told by digests: results of one program and network can be put together, others cannot.
enum ProgramFacts {
  /// Of the running program, which has the kernel's programs in it.
  static let program = digest(["/proc/self/exe"]) ?? "unknown"

  /// Of the shipped congestion networks and their calibrations; nil where there are none.
  static func network(in directory: String) -> String? {
    digest(
      ShippedNetwork.Name.allCases.flatMap { [$0.model, $0.calibration] }.map { "\(directory)/\($0)" })
  }

  /// The first digits are enough to tell two apart.
  private static let digits = 16

  private static func digest(_ paths: [String]) -> String? {
    var hash = SHA256()
    for path in paths {
      guard let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) else {
        return nil
      }
      hash.update(data)
    }
    return String(hash.finalize().hexadecimal.prefix(digits))
  }
}
