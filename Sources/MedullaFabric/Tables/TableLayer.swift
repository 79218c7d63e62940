/// The table of one group of a layer's inputs: which leaf their keys are in, and what it adds to sums.
package struct GroupTable: Sendable, Equatable, Codable {
  /// By dimension, which key of the layer is compared.
  package let sources: [Int]
  /// The first of the sums that it adds to, and how many follow it.
  package let firstOutput: Int
  package let outputCount: Int
  package let tree: ClusteringTree
  /// By leaf, what is added to each of these sums: 0 or more.
  package let values: [[Int64]]
  /// Squares of what the sums of the samples lose by sharing centres, before values are rounded or fitted: in
  /// units of the layer's sums after multiplier and shift.
  package let error: Double

  package var outputs: Range<Int> { firstOutput..<firstOutput + outputCount }

  /// The largest value for each of its sums.
  package var largest: [Int64] {
    (0..<outputCount).map { output in values.reduce(0) { max($0, $1[output]) } }
  }
}

/// What is matched of a feature or a sum: input >> shift, unsigned.
package struct TableKey: Sendable, Equatable, Codable {
  package let bits: Int
  package let shift: Int

  package init(bits: Int, shift: Int) {
    self.bits = bits
    self.shift = shift
  }

  /// The upper bits of an input, at most `limit` of them.
  init(ofBits bits: Int, limit: Int) {
    self.init(bits: min(bits, limit), shift: max(bits - limit, 0))
  }
}

/// One layer as tables whose values are added.
package struct TableLayer: Sendable, Equatable, Codable {
  /// `dense1`; `functions` for those at the network's end.
  package let name: String
  package let keys: [TableKey]
  package let tables: [GroupTable]
  package let outputs: Int
  /// A sum stands for (sum + offset) >> shift of the integer network, before the layer's function; a negative
  /// shift goes to the left.
  package let offsets: [Int64]
  package let shift: Int

  /// What each sum can come to: the largest values of all tables.
  package var largestSums: [Int64] {
    var sums = [Int64](repeating: 0, count: outputs)
    for table in tables {
      for (output, largest) in zip(table.outputs, table.largest) { sums[output] += largest }
    }
    return sums
  }

  /// The bits of each sum: at least one.
  package var sumBits: [Int] { largestSums.map(bitWidth) }

  /// - Parameter inputs: cut features, or the sums of the layer before: none below 0.
  package func sums(of inputs: [Int64]) -> [Int64] {
    let keys = zip(inputs, keys).map { $0 >> Int64($1.shift) }
    var sums = [Int64](repeating: 0, count: outputs)
    for table in tables {
      let row = table.values[table.tree.leaf { keys[table.sources[$0]] }]
      for place in row.indices { sums[table.firstOutput + place] += row[place] }
    }
    return sums
  }

  /// What a sum stands for.
  func value(of sum: Int64, at output: Int) -> Int64 { (sum + offsets[output]) >> Int64(shift) }
}

/// Bits of numbers from 0 to `largest`, at least one.
func bitWidth(_ largest: Int64) -> Int { max(1, Int64.bitWidth - largest.leadingZeroBitCount) }
