/// How far the tuned network is from the kernel's snapshot, sample by sample (LiteFlow §3.3, equation 1).
package enum FidelityLoss {
  /// L(x) = |f′(x) − f(x)| / (O_max − O_min) for each sample; of a vector, the largest over its outputs, so
  /// that one output that has moved is not hidden by many that have not.
  ///
  /// - Parameters:
  ///   - kernel: f′, `[n][outputs]`, asked from the live slot.
  ///   - tuned: f, `[n][outputs]`.
  ///   - ranges: O_min...O_max of each output.
  /// - Throws: `badAnswer` when sizes differ or a value is not finite.
  package static func relative(
    kernel: [[Float]], tuned: [[Float]], ranges: [ClosedRange<Double>]
  ) throws(AdaptationError) -> [Double] {
    guard kernel.count == tuned.count else {
      throw AdaptationError(
        .badAnswer, "the adapter answered \(tuned.count) of \(kernel.count) inputs")
    }
    var losses: [Double] = []
    losses.reserveCapacity(kernel.count)
    for (index, (old, new)) in zip(kernel, tuned).enumerated() {
      guard new.count == ranges.count, old.count == ranges.count else {
        throw AdaptationError(
          .badAnswer,
          "output \(index) has \(new.count) values from the adapter and \(old.count) from the kernel; the "
            + "network has \(ranges.count)")
      }
      guard new.allSatisfy(\.isFinite) else {
        throw AdaptationError(.badAnswer, "output \(index) of the adapter is not finite")
      }
      losses.append(difference(old, new, ranges))
    }
    return losses
  }

  /// The largest difference over the outputs, as a part of each one's range.
  static func difference(_ old: [Float], _ new: [Float], _ ranges: [ClosedRange<Double>]) -> Double {
    var largest = 0.0
    for (index, range) in ranges.enumerated() {
      let width = max(range.upperBound - range.lowerBound, .leastNormalMagnitude)
      largest = max(largest, abs(Double(old[index]) - Double(new[index])) / width)
    }
    return largest
  }
}
