/// What tables take of a switch, by formulas that stand for no product:
///
/// - *range entries*: leaves, where a switch matches ranges itself;
/// - *ternary entries*: for each leaf the product over its keys of the prefixes that cover the range, where
///   it matches values under masks;
/// - *TCAM bits*: ternary entries · bits of the group's keys · 2 (a value and a mask);
/// - *SRAM bits*: for each leaf the bits of the largest value of each sum, and for each ternary entry the
///   number of its leaf;
/// - *lookups*: tables; *additions*: for each sum one less than the tables that add to it, and one for each
///   offset of the last layer that is not 0 (those between layers are in the next layer's ranges).
///
/// A table of one leaf is a constant: it has no entries to match, and no lookup.
package struct TableCost: Sendable, Equatable, Codable {
  package var rangeEntries = 0
  package var ternaryEntries = 0
  package var tcamBits = 0
  package var sramBits = 0
  package var lookups = 0
  package var additions = 0

  package init() {}

  package init(_ layer: TableLayer) {
    for table in layer.tables {
      let bits = table.sources.map { layer.keys[$0].bits }
      let valueBits = table.largest.reduce(0) { $0 + bitWidth($1) }
      sramBits += table.tree.leaves * valueBits
      guard table.tree.leaves > 1 else { continue }
      lookups += 1
      rangeEntries += table.tree.leaves
      let ternary = table.tree.boxes(bits: bits).reduce(0) { sum, box in
        sum + zip(box, bits).reduce(1) { $0 * Self.prefixes($1.0, bits: $1.1) }
      }
      ternaryEntries += ternary
      tcamBits += ternary * 2 * bits.reduce(0, +)
      sramBits += ternary * bitWidth(Int64(table.tree.leaves - 1))
    }
    additions = layer.tables.reduce(0) { $0 + $1.outputCount } - layer.outputs
  }

  package mutating func add(_ other: TableCost) {
    rangeEntries += other.rangeEntries
    ternaryEntries += other.ternaryEntries
    tcamBits += other.tcamBits
    sramBits += other.sramBits
    lookups += other.lookups
    additions += other.additions
  }

  /// The least number of prefixes that together are a range of unsigned keys.
  package static func prefixes(_ range: ClosedRange<Int64>, bits: Int) -> Int {
    var (low, count) = (range.lowerBound, 0)
    while low <= range.upperBound {
      // The largest block that begins here and stays inside.
      var size = low == 0 ? Int64(1) << Int64(bits) : low & -low
      while size - 1 > range.upperBound - low { size >>= 1 }
      (low, count) = (low + size, count + 1)
    }
    return count
  }
}

extension FuzzyTables {
  package var cost: TableCost {
    var sum = layers.reduce(into: TableCost()) { $0.add(TableCost($1)) }
    sum.additions += layers.last?.offsets.count { $0 != 0 } ?? 0
    return sum
  }
}
