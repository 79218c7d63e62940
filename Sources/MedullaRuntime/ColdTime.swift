/// Nanoseconds of inferences that each found empty caches.
package struct ColdTime: Hashable, Sendable {
  package let median: Double
  /// The median's 95% interval, by ranks.
  package let low: Double
  package let high: Double
  /// The same inference by the same clock with warm caches, the median of as many.
  package let warm: Double

  /// - Parameters: nanoseconds of each run; there must be some of both.
  package init(cold: [Double], warm: [Double]) {
    let sorted = cold.sorted()
    let middle = sorted.count / 2
    // The ranks between which the median of the whole lies with 95%: n/2 ∓ 0.98·√n.
    let reach = Int((0.98 * Double(sorted.count).squareRoot()).rounded(.up))
    median = sorted[middle]
    low = sorted[max(0, middle - reach)]
    high = sorted[min(sorted.count - 1, middle + reach)]
    self.warm = warm.sorted()[warm.count / 2]
  }
}
