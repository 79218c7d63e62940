import Foundation

/// Rows of numbers for a network's input: calibration samples, inputs to run.
///
/// `.npy` (NumPy, versions 1 to 3: float16, float32, float64 and integers of any byte order, C or Fortran
/// order; the first axis counts samples) and `.csv` (commas, semicolons, tabs or blanks; numbers may stand in
/// quotes; a first line in which no field is a number is skipped as names, so are empty lines and ones that
/// begin with `#`). Every value must be finite: nothing else can enter a network.
package enum SampleFile {
  /// The samples of a file, `elements` values each.
  ///
  /// - Parameter elements: the network's input size; a single sample may come without its first axis.
  /// - Throws: `io`, `malformedFile` with the place of a value that is no finite number, `unsupportedType`,
  ///   or `shapeMismatch` with the line or the array's shape.
  package static func read(_ path: String, elements: Int) throws(ModelError) -> [[Float]] {
    try read(try ModelFile.read(path), named: path, elements: elements)
  }

  /// The same from the bytes of a file.
  package static func read(
    _ data: Data, named path: String, elements: Int
  ) throws(ModelError) -> [[Float]] {
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
    try ModelFile.write(data(samples, columns: columns), to: path)
  }

  /// The bytes of such a file.
  package static func data(_ samples: [[Float]], columns: Int) -> Data {
    NPYArray.data(samples, columns: columns)
  }
}
