import Foundation
import MedullaModel

/// What holds for the reader of samples on any bytes at all, `.npy` or `.csv`. The fuzz targets and the
/// replaying tests share it.
///
/// Gives nil, or what was violated. A trap is a violation by itself.
package enum SampleProperties {
  private static let sizes = [1, 2, 3, 4, 12]

  /// Bytes are refused with an error, or give rows of the wanted size and finite numbers, which leave and
  /// come back equal.
  package static func violation(_ bytes: Data) -> String? {
    for elements in sizes {
      guard let rows = try? SampleFile.read(bytes, named: "bytes", elements: elements) else { continue }
      guard rows.allSatisfy({ $0.count == elements && $0.allSatisfy(\.isFinite) }) else {
        return "a row is not \(elements) finite numbers"
      }
      let written = SampleFile.data(rows, columns: elements)
      guard let again = try? SampleFile.read(written, named: "written", elements: elements), again == rows
      else { return "the rows changed on their way through .npy" }
    }
    return nil
  }
}
