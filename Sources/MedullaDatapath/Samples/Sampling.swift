/// "Every n-th decision", as the kernel takes it.
enum Sampling {
  /// - Parameter every: 0 switches off.
  /// - Throws: `badConfiguration` when it is no such number.
  static func every(_ every: Int) throws(DatapathError) -> UInt32 {
    guard let value = UInt32(exactly: every) else {
      throw DatapathError(
        .badConfiguration, "every \(every)-th decision",
        remedy: "give 0 (off), 1 (each decision) or more, at most \(UInt32.max)")
    }
    return value
  }
}
