/// Captures that must not be parted, since they show the same flows.
package enum CaptureGroups {
  /// Flows of the same ends that began within this time of each other are one flow that was captured twice.
  static let sameWithin: UInt64 = 3_600_000_000_000

  /// The captures' places, group by group, in the order of each group's first.
  package static func groups(of captures: [LabelledCapture]) -> [[Int]] {
    var seen: [ReferenceFlow.Key: [(capture: Int, began: UInt64)]] = [:]
    var first = Array(captures.indices)
    func root(_ place: Int) -> Int {
      var place = place
      while first[place] != place { place = first[place] }
      return place
    }
    for (place, capture) in captures.enumerated() {
      for flow in capture.flows {
        for other in seen[flow.key] ?? [] where other.capture != place {
          let apart = max(flow.began, other.began) - min(flow.began, other.began)
          guard apart <= sameWithin else { continue }
          let (one, two) = (root(place), root(other.capture))
          first[max(one, two)] = min(one, two)
        }
        seen[flow.key, default: []].append((place, flow.began))
      }
    }
    let roots = captures.indices.map(root)
    return Dictionary(grouping: captures.indices, by: { roots[$0] }).values.map { $0.sorted() }.sorted {
      ($0.first ?? 0) < ($1.first ?? 0)
    }
  }
}
