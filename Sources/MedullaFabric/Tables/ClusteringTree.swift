/// A tree of thresholds that cuts the keys of a group into boxes: a leaf is one range for each key, so that
/// the whole tree is one table with range matches, in which exactly one entry matches.
package struct ClusteringTree: Sendable, Equatable, Codable {
  package struct Node: Sendable, Equatable, Codable {
    /// Which key of the group is compared.
    package let dimension: Int
    /// Keys up to this one, itself included, go below.
    package let threshold: Int64
    /// A node; where negative, the leaf of that number's complement.
    package let below: Int
    package let above: Int

    package init(dimension: Int, threshold: Int64, below: Int, above: Int) {
      self.dimension = dimension
      self.threshold = threshold
      self.below = below
      self.above = above
    }
  }

  /// The first one is the root. A tree of one leaf has none.
  package let nodes: [Node]
  package var leaves: Int { nodes.count + 1 }

  package init(nodes: [Node]) { self.nodes = nodes }

  /// The leaf that has these keys, one for each dimension.
  package func leaf(of key: (_ dimension: Int) -> Int64) -> Int {
    var place = nodes.isEmpty ? ~0 : 0
    while place >= 0 {
      let node = nodes[place]
      place = key(node.dimension) <= node.threshold ? node.below : node.above
    }
    return ~place
  }

  /// The ranges of each leaf, in the order of leaves. Each vector of unsigned keys is in exactly one.
  ///
  /// - Parameter bits: of the key of each dimension, at most 62.
  package func boxes(bits: [Int]) -> [[ClosedRange<Int64>]] {
    let whole = bits.map { 0...(Int64(1) << Int64($0) - 1) }
    var boxes = [[ClosedRange<Int64>]](repeating: whole, count: leaves)
    var open = [(place: nodes.isEmpty ? ~0 : 0, box: whole)]
    while let (place, box) = open.popLast() {
      guard place >= 0 else {
        boxes[~place] = box
        continue
      }
      let node = nodes[place]
      let range = box[node.dimension]
      var (below, above) = (box, box)
      below[node.dimension] = range.lowerBound...node.threshold
      above[node.dimension] = (node.threshold + 1)...range.upperBound
      open.append((node.above, above))
      open.append((node.below, below))
    }
    return boxes
  }
}
