import Foundation

/// Rows of numbers for a network's input: calibration samples, inputs to run.
///
/// `.npy` (NumPy, versions 1 to 3: float16, float32, float64 and integers of any byte order, C or Fortran
/// order; the first axis counts samples) and `.csv` (commas, semicolons, tabs or blanks; a first line of
/// names is skipped, so are empty lines and ones that begin with `#`).
package enum SampleFile {
  /// The samples of a file, `elements` values each.
  ///
  /// - Parameter elements: the network's input size; a single sample may come without its first axis.
  /// - Throws: `io`, `malformedFile`, `unsupportedType`, or `shapeMismatch` with the line or the array's
  ///   shape.
  package static func read(_ path: String, elements: Int) throws(ModelError) -> [[Float]] {
    let data = try ModelFile.read(path)
    do {
      if data.starts(with: NPYArray.magic) {
        return try NPYArray(data).samples(of: elements)
      }
      return try CSVTable(data, elements: elements).rows
    } catch {
      throw ModelError(error.code, "\(path): \(error.message)", remedy: error.remedy)
    }
  }

  /// Writes samples as a float32 `.npy` array, one row each.
  ///
  /// - Throws: `io`; `shapeMismatch` when the rows differ in length.
  package static func write(_ samples: [[Float]], to path: String) throws(ModelError) {
    let columns = samples.first?.count ?? 0
    guard samples.allSatisfy({ $0.count == columns }) else {
      throw ModelError(.shapeMismatch, "the rows for \(path) differ in length")
    }
    try ModelFile.write(NPYArray.data(samples, columns: columns), to: path)
  }
}
