import Foundation

extension FunctionTable {
  /// The lines of all segments.
  ///
  /// Each is the chord moved by half its largest distance from the function, which halves the error of plain
  /// interpolation (the minimax line of a convex or concave arc). The error is at most `errorBound`.
  ///
  /// - Throws: `notProven` when a line does not fit 32 bits.
  package func entries() throws(SnapshotError) -> [TableEntry] {
    var entries: [TableEntry] = []
    entries.reserveCapacity(segments)
    for segment in 0..<segments {
      guard let entry = entry(for: segment) else {
        throw SnapshotError(
          .notProven, "segment \(segment) of the \(function.rawValue) table does not fit 32 bits")
      }
      entries.append(entry)
    }
    return entries
  }

  /// The largest distance between the table and the function over all real arguments, in function values.
  ///
  /// h²/16 · max|f″| for the lines, one rounding of the value, the slope's rounding over a segment, and what
  /// the function still rises outside the table.
  package var errorBound: Double {
    let width = step * Double(Int64(1) << Int64(fractionBits))
    let curvature = function == .tanh ? 0.7699 : function == .sigmoid ? 0.09623 : 1.0
    let slopeRounding = Double(Int64(1) << Int64(fractionBits)) * 0.5 / exp2(Double(guardBits))
    let outside = abs(exact(upperArgument) - limit)
    return width * width / 16 * curvature + outside + (1.5 + slopeRounding) / Double(amplitude)
  }

  /// The function itself, in double precision.
  package func exact(_ x: Double) -> Double {
    switch function {
    case .tanh: Foundation.tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .decay: exp(-x)
    }
  }

  private var upperArgument: Double { lowerBound + step * Double(maximumCoordinate + 1) }

  private var limit: Double { function == .decay ? 0 : 1 }

  private func entry(for segment: Int) -> TableEntry? {
    let start = Int64(segment) << Int64(fractionBits)
    let length = Int64(1) << Int64(fractionBits)
    let scale = Double(amplitude) * exp2(Double(guardBits))
    let left = exact(argument(start)) * scale
    let right = exact(argument(start + length)) * scale
    let slope = ((right - left) / Double(length)).rounded()
    let distances = (0...16).map { part in
      let offset = Double(length) * Double(part) / 16
      return exact(argument(start) + offset * step) * scale - (left + slope * offset)
    }
    let center = ((distances.min() ?? 0) + (distances.max() ?? 0)) / 2
    let half = guardBits > 0 ? exp2(Double(guardBits - 1)) : 0
    // Stay inside the function's own range, so that a table never leaves the activation format.
    let ends = [left + center, left + center + slope * Double(length - 1)]
    let ceiling = scale
    let floor = function == .tanh ? -scale : 0
    let excess = max(0, (ends.max() ?? 0) - ceiling) + min(0, (ends.min() ?? 0) - floor)
    let intercept = (left + center - excess - slope * Double(start) + half).rounded(.down)
    guard let intercept = Int32(exactly: intercept), let slope = Int32(exactly: slope) else { return nil }
    return TableEntry(intercept: intercept, slope: slope)
  }

  private func argument(_ coordinate: Int64) -> Double { lowerBound + step * Double(coordinate) }
}

/// A table with its lines: what the interpreter and the generated program evaluate.
struct TableLines: Hashable, Sendable {
  let spec: FunctionTable
  let entries: [TableEntry]

  /// Coordinates outside the table are cut to it.
  func value(at coordinate: Int64) -> Int64 {
    let v = min(max(coordinate, 0), spec.maximumCoordinate)
    let entry = entries[Int(v >> Int64(spec.fractionBits))]
    return (Int64(entry.intercept) + Int64(entry.slope) * v) >> Int64(spec.guardBits)
  }

  /// The smallest and largest value; lines take theirs at the ends of segments.
  var range: ClosedRange<Int64> {
    var low = Int64.max
    var high = Int64.min
    for segment in 0..<Int64(spec.segments) {
      let start = segment << Int64(spec.fractionBits)
      for end in [start, start + (1 << Int64(spec.fractionBits)) - 1] {
        let y = value(at: end)
        low = min(low, y)
        high = max(high, y)
      }
    }
    return low...max(low, high)
  }
}
