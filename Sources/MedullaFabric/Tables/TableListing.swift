/// Tables as what a generator prints them from: of each its keys, and its entries as ranges and values.
package struct TableListing: Sendable, Equatable, Codable {
  package struct Key: Sendable, Equatable, Codable {
    /// Which feature, or which sum of the layer before.
    package let source: Int
    /// The key is source >> shift, of so many bits.
    package let bits: Int
    package let shift: Int
  }

  /// The values that a leaf adds where all keys are in its ranges.
  package struct Entry: Sendable, Equatable, Codable {
    /// The lowest and the highest key of each range.
    package let low: [Int64]
    package let high: [Int64]
    package let adds: [Int64]
  }

  package struct Table: Sendable, Equatable, Codable {
    /// `dense1_0`
    package let name: String
    package let keys: [Key]
    /// The first of the sums that it adds to; the others follow it.
    package let firstSum: Int
    /// Bits of the largest value for each of its sums.
    package let valueBits: [Int]
    /// Exactly one of them matches.
    package let entries: [Entry]
  }

  package struct Layer: Sendable, Equatable, Codable {
    package let name: String
    /// Of each sum.
    package let sumBits: [Int]
    package let tables: [Table]
    /// What a sum stands for in the integer network before the layer's function: (sum + offset) >> shift.
    package let offsets: [Int64]
    package let shift: Int
  }

  /// What the first layer's keys are made of: feature − low, cut to 0…width.
  package struct Feature: Sendable, Equatable, Codable {
    package let low: Int64
    package let width: Int64
  }

  package let features: [Feature]
  package let layers: [Layer]
}

extension FuzzyTables {
  package var entries: TableListing {
    TableListing(
      features: features.map { TableListing.Feature(low: $0.low, width: $0.width) },
      layers: layers.map { layer in
        TableListing.Layer(
          name: layer.name, sumBits: layer.sumBits,
          tables: layer.tables.enumerated().map { TableListing.Table($1, number: $0, of: layer) },
          offsets: layer.offsets, shift: layer.shift)
      })
  }
}

extension TableListing.Table {
  fileprivate init(_ table: GroupTable, number: Int, of layer: TableLayer) {
    let keys = table.sources.map { layer.keys[$0] }
    self.init(
      name: "\(layer.name)_\(number)",
      keys: zip(table.sources, keys).map {
        TableListing.Key(source: $0, bits: $1.bits, shift: $1.shift)
      },
      firstSum: table.firstOutput, valueBits: table.largest.map(bitWidth),
      entries: zip(table.tree.boxes(bits: keys.map(\.bits)), table.values).map { box, values in
        TableListing.Entry(low: box.map(\.lowerBound), high: box.map(\.upperBound), adds: values)
      })
  }
}

extension TableListing {
  /// For people: a line for each table, and one below it for each entry.
  package var text: String {
    layers.flatMap { layer in
      layer.tables.flatMap { table in
        let keys = table.keys.map { "\($0.source)>>\($0.shift):\($0.bits)" }.joined(separator: " ")
        let head = "\(table.name) keys \(keys) sums \(table.firstSum)+\(table.valueBits.count)"
        return [head]
          + table.entries.map { entry in
            let ranges = zip(entry.low, entry.high).map { "\($0)..\($1)" }.joined(separator: " ")
            return "  \(ranges) -> \(entry.adds.map(String.init).joined(separator: " "))"
          }
      }
    }.joined(separator: "\n") + "\n"
  }
}
