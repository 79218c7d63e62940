import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Testing

@Suite("Boxes of a tree")
struct ClusteringTreeTests {
  private static let seed: UInt64 = 22

  private static func tables(group: Int, keyBits: Int = 8) throws -> FuzzyTables {
    let example = try TableExample.drawn([8, 6, 3], samples: 300, seed: seed)
    return try FuzzyTables(
      example.snapshot, samples: example.samples,
      options: FuzzyTableOptions(groupSize: group, leaves: 24, keyBits: keyBits, leastSamples: 0))
  }

  @Test("each vector of keys is in exactly one box, the one of its leaf", arguments: [1, 2, 3, 5])
  func partition(group: Int) throws {
    var random = SeededGenerator(seed: Self.seed)
    for layer in try Self.tables(group: group).layers {
      for table in layer.tables {
        let bits = table.sources.map { layer.keys[$0].bits }
        let boxes = table.tree.boxes(bits: bits)
        #expect(boxes.count == table.tree.leaves && boxes.count == table.values.count)
        let drawn = (0..<200).map { _ in bits.map { Int64(random.integer(0...(1 << $0 - 1))) } }
        // Thresholds are where a box could be one too small or too large.
        let corners = boxes.flatMap { [$0.map(\.lowerBound), $0.map(\.upperBound)] }
        for keys in drawn + corners {
          let inside = boxes.indices.filter { zip(boxes[$0], keys).allSatisfy { $0.contains($1) } }
          #expect(inside == [table.tree.leaf { keys[$0] }], "seed \(Self.seed): \(keys)")
        }
      }
    }
  }

  @Test("boxes together are as large as the space", arguments: [1, 2, 3])
  func volume(group: Int) throws {
    for layer in try Self.tables(group: group).layers {
      for table in layer.tables {
        let bits = table.sources.map { layer.keys[$0].bits }
        let sizes = table.tree.boxes(bits: bits).map { box in
          box.reduce(1) { $0 * ($1.upperBound - $1.lowerBound + 1) }
        }
        #expect(sizes.reduce(0, +) == 1 << bits.reduce(0, +) && sizes.allSatisfy { $0 > 0 })
      }
    }
  }

  @Test("prefixes that cover a range are as few as a search finds")
  func prefixes() {
    // The trie's own count: a whole subtree is one prefix, a part of it those of its halves.
    func search(_ low: Int64, _ high: Int64, _ first: Int64, _ size: Int64) -> Int {
      if high < first || low > first + size - 1 { return 0 }
      if low <= first && first + size - 1 <= high { return 1 }
      return search(low, high, first, size / 2) + search(low, high, first + size / 2, size / 2)
    }
    for low in Int64(0)..<64 {
      for high in low..<64 {
        #expect(TableCost.prefixes(low...high, bits: 6) == search(low, high, 0, 64), "\(low)...\(high)")
      }
    }
    #expect(TableCost.prefixes(1...((1 << 16) - 2), bits: 16) == 30)
    #expect(TableCost.prefixes(0...(1 << 62 - 1), bits: 62) == 1)
  }
}
