/// Halves: with N coordinates, the value at N − v is C less the value at v, where C is 0 for tanh and the
/// amplitude for sigmoid. In integers that holds to the bit when line k and its mirror l have the same slope
/// and intercepts with i[l] = C·2^g + 2^g − 1 − i[k] − slope·N, because ⌊(2^g − 1 − z) / 2^g⌋ = −⌊z / 2^g⌋.
extension FunctionTable {
  /// What a value and its mirror add up to; nil for a function that has no mirror.
  private var mirrorSum: Int64? {
    switch function {
    case .tanh: 0
    case .sigmoid: amplitude
    case .decay: nil
    }
  }

  /// Coordinates on one side of the middle.
  package var middle: Int64 { (maximumCoordinate + 1) / 2 }

  /// Whether the lines above the middle give the values below it too.
  package func mirrors(_ lines: [TableEntry]) -> Bool {
    guard let sum = mirrorSum, lines.count == segments, fractionBits >= Self.leastFractionBits else {
      return false
    }
    let unit = Int64(1) << Int64(guardBits)
    return (segments / 2..<segments).allSatisfy { segment in
      let (line, mirror) = (lines[segment], lines[segments - 1 - segment])
      let wanted = sum * unit + unit - 1 - Int64(line.intercept) - Int64(line.slope) * 2 * middle
      return line.slope == mirror.slope && Int64(mirror.intercept) == wanted && centered(line) != nil
    }
  }

  /// A line's address is then a shift and a mask of its coordinate.
  private static let leastFractionBits = 3

  /// The lines that an image holds: all, or those above the middle, for coordinates that begin there.
  func held(_ lines: [TableEntry]) -> [TableEntry] {
    isHalved ? lines[(segments / 2)...].compactMap(centered) : lines
  }

  /// All lines, of those that an image holds. What no half can stand for becomes lines that mirror nothing.
  func whole(_ held: [TableEntry]) -> [TableEntry] {
    guard isHalved, let sum = mirrorSum else { return held }
    let unit = Int64(1) << Int64(guardBits)
    let upper = held.map { line in
      TableEntry(
        intercept: Int32(truncatingIfNeeded: Int64(line.intercept) - Int64(line.slope) * middle),
        slope: line.slope)
    }
    let lower = upper.reversed().map { line in
      let intercept = sum * unit + unit - 1 - Int64(line.intercept) - Int64(line.slope) * 2 * middle
      return TableEntry(intercept: Int32(truncatingIfNeeded: intercept), slope: line.slope)
    }
    return lower + upper
  }

  private func centered(_ line: TableEntry) -> TableEntry? {
    Int32(exactly: Int64(line.intercept) + Int64(line.slope) * middle).map {
      TableEntry(intercept: $0, slope: line.slope)
    }
  }
}
