/// Grows the tree of one group on samples: the leaf whose division takes the most error away is divided
/// first, at the key and place that take away the most.
///
/// The error of a leaf is what the layer's sums lose when all of its samples have the activations of their
/// mean: Σ (a − c)ᵀ G (a − c), where G is the Gram matrix of the group's weights. So keys that the layer
/// hardly weighs are hardly divided. A tree of more leaves divides one of fewer leaves
/// further: its error is never larger.
struct TreeGrowth {
  /// By sample, one for each key of the group.
  let keys: [[Int64]]
  /// What the keys stand for, likewise.
  let activations: [[Int64]]
  /// G, row-major.
  let gram: [Double]
  private let dimensions: Int
  private var clusters: [Cluster] = []
  private var nodes: [Draft] = []

  private struct Split {
    let gain: Double
    let dimension: Int
    let threshold: Int64
  }

  private struct Cluster {
    let members: [Int]
    let best: Split?
  }

  /// Children are nodes, or the complements of clusters.
  private struct Draft {
    let dimension: Int
    let threshold: Int64
    var below: Int
    var above: Int
  }

  init(keys: [[Int64]], activations: [[Int64]], gram: [Double]) {
    self.keys = keys
    self.activations = activations
    self.gram = gram
    dimensions = keys.first?.count ?? 0
  }

  /// - Returns: the tree, and by leaf the samples that are in it: never none.
  mutating func grow(leaves: Int) -> (tree: ClusteringTree, members: [[Int]]) {
    clusters = [cluster(Array(keys.indices))]
    nodes = []
    // By cluster, the node above it and whether it is below its threshold.
    var parents: [(node: Int, isBelow: Bool)] = [(-1, false)]
    while clusters.count < leaves, let (place, split) = widest() {
      let (below, above) = divide(clusters[place].members, split)
      let number = nodes.count
      nodes.append(
        Draft(
          dimension: split.dimension, threshold: split.threshold, below: ~place, above: ~clusters.count))
      let (parent, isBelow) = parents[place]
      if parent >= 0 { if isBelow { nodes[parent].below = number } else { nodes[parent].above = number } }
      clusters[place] = cluster(below)
      clusters.append(cluster(above))
      parents[place] = (number, true)
      parents.append((number, false))
    }
    return ordered()
  }

  /// The cluster with the most to gain; the first one of several.
  private func widest() -> (place: Int, split: Split)? {
    var found: (place: Int, split: Split)?
    for (place, cluster) in clusters.enumerated() {
      guard let split = cluster.best, split.gain > found?.split.gain ?? -.infinity else { continue }
      found = (place, split)
    }
    return found
  }

  private func divide(_ members: [Int], _ split: Split) -> (below: [Int], above: [Int]) {
    var (below, above): ([Int], [Int]) = ([], [])
    for sample in members {
      if keys[sample][split.dimension] <= split.threshold {
        below.append(sample)
      } else {
        above.append(sample)
      }
    }
    return (below, above)
  }

  private func cluster(_ members: [Int]) -> Cluster {
    let first = activations[members[0]]
    guard members.contains(where: { activations[$0] != first }) else {
      return Cluster(members: members, best: nil)
    }
    let means = (0..<dimensions).map { dimension in
      members.reduce(0.0) { $0 + Double(activations[$1][dimension]) } / Double(members.count)
    }
    var best: Split?
    for dimension in 0..<dimensions {
      guard let split = split(members, along: dimension, means: means) else { continue }
      if split.gain > best?.gain ?? -.infinity { best = split }
    }
    return Cluster(members: members, best: best)
  }

  /// The best threshold of one key; nil where all samples have the same.
  private func split(_ members: [Int], along dimension: Int, means: [Double]) -> Split? {
    let sorted = members.sorted { (keys[$0][dimension], $0) < (keys[$1][dimension], $1) }
    var sums = [Double](repeating: 0, count: dimensions)
    var best: (gain: Double, place: Int)?
    for place in 0..<(sorted.count - 1) {
      let sample = sorted[place]
      for other in 0..<dimensions { sums[other] += Double(activations[sample][other]) - means[other] }
      guard keys[sample][dimension] != keys[sorted[place + 1]][dimension] else { continue }
      // Around the mean the other side's sums are the negatives.
      let gain = square(sums) * (1 / Double(place + 1) + 1 / Double(sorted.count - place - 1))
      if gain > best?.gain ?? -.infinity { best = (gain, place) }
    }
    return best.map { gain, place in
      Split(
        gain: gain, dimension: dimension,
        threshold: Self.threshold(
          between: keys[sorted[place]][dimension], and: keys[sorted[place + 1]][dimension]))
    }
  }

  private func square(_ x: [Double]) -> Double {
    var sum = 0.0
    for row in 0..<dimensions {
      for column in 0..<dimensions { sum += x[row] * gram[row * dimensions + column] * x[column] }
    }
    return sum
  }

  /// A threshold in the middle half of the gap between two keys, after which the roundest number follows: the
  /// ranges on both sides then have few prefixes.
  static func threshold(between low: Int64, and high: Int64) -> Int64 {
    let quarter = (high - low) / 4
    let (first, last) = (low + 1 + quarter, max(low + 1 + quarter, high - quarter))
    // The highest bit in which first − 1 and last differ is the largest power that has a multiple between.
    let power = Int64(63 - ((first - 1) ^ last).leadingZeroBitCount)
    return (last >> power) << power - 1
  }

  /// Leaves by their place in the tree, from the lowest keys on.
  private func ordered() -> (tree: ClusteringTree, members: [[Int]]) {
    var members: [[Int]] = []
    var places = [Int](repeating: 0, count: clusters.count)
    var open = [nodes.isEmpty ? ~0 : 0]
    while let place = open.popLast() {
      if place >= 0 {
        open += [nodes[place].above, nodes[place].below]
      } else {
        places[~place] = members.count
        members.append(clusters[~place].members)
      }
    }
    func final(_ place: Int) -> Int { place >= 0 ? place : ~places[~place] }
    let tree = ClusteringTree(
      nodes: nodes.map {
        ClusteringTree.Node(
          dimension: $0.dimension, threshold: $0.threshold, below: final($0.below), above: final($0.above))
      })
    return (tree, members)
  }

  /// Σ (a − c)ᵀ G (a − c) over samples that share a leaf.
  func error(of members: [Int]) -> Double {
    let means = (0..<dimensions).map { dimension in
      members.reduce(0.0) { $0 + Double(activations[$1][dimension]) } / Double(members.count)
    }
    return members.reduce(0) { sum, sample in
      sum + square((0..<dimensions).map { Double(activations[sample][$0]) - means[$0] })
    }
  }
}
