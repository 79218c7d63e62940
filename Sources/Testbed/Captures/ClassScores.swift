/// How well classes were told apart.
package struct ClassScores: Equatable, Sendable {
  /// Of each class, the harmonic mean of precision and recall; 0 where nothing was right.
  package let each: [Double]

  /// The mean over the classes, whatever their sizes.
  package var macro: Double { each.isEmpty ? 0 : each.reduce(0, +) / Double(each.count) }

  /// - Parameters:
  ///   - truth: the class of each flow.
  ///   - said: what it was taken for; nil: it was not decided, which misses it.
  package init(_ truth: [Int], _ said: [Int?], classes: Int) {
    precondition(truth.count == said.count, "flows and answers differ in number")
    var hits = [Int](repeating: 0, count: classes)
    // Those that are of the class, and those that were taken for it.
    var both = hits
    for (own, answer) in zip(truth, said) {
      both[own] += 1
      if let answer {
        both[answer] += 1
        if own == answer { hits[own] += 1 }
      }
    }
    each = zip(hits, both).map { $1 == 0 ? 0 : 2 * Double($0) / Double($1) }
  }
}
