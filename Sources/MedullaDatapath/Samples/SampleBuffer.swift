import Glibc

/// The size of an instance's ring of samples.
package enum SampleBuffer {
  package static let defaultBytes = 2 << 20
  /// From what one page could hold to what no daemon should need.
  package static let byteRange = (64 << 10)...(256 << 20)

  /// The kernel takes a power of two of whole pages; anything between is rounded up.
  ///
  /// - Throws: `badConfiguration` outside `byteRange`.
  package static func entries(bytes: Int) throws(DatapathError) -> Int {
    guard byteRange.contains(bytes) else {
      throw DatapathError(
        .badConfiguration, "a sample buffer of \(bytes) bytes",
        remedy: "give it \(byteRange.lowerBound >> 10) KiB to \(byteRange.upperBound >> 20) MiB")
    }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    var size = max(page, 1)
    while size < bytes { size <<= 1 }
    return size
  }
}
