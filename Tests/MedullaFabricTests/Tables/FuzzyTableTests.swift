import Foundation
import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("A network as tables")
struct FuzzyTableTests {
  private static let seed: UInt64 = 23

  @Test("agrees with the integer network of the classifier on 95 of 100 inputs, which one leaf does not")
  func classifier() throws {
    let example = try TableExample.classifier()
    func agreement(leaves: Int) throws -> (seen: Double, unseen: Double) {
      let tables = try FuzzyTables(
        example.snapshot, samples: example.samples,
        options: FuzzyTableOptions(groupSize: 2, leaves: leaves))
      return (
        example.agreement(on: example.samples) { tables.run(features: $0) },
        example.agreement(on: example.unseen) { tables.run(features: $0) }
      )
    }
    let (tables, useless) = (try agreement(leaves: 16), try agreement(leaves: 1))
    #expect(tables.seen >= 0.99 && tables.unseen >= 0.95)
    #expect(useless.seen < 0.5 && useless.unseen < 0.5)
  }

  @Test("points between few samples are what makes unseen inputs agree")
  func filled() throws {
    let example = try TableExample.classifier()
    let agreement = try [0, 2_000].map { least in
      let tables = try FuzzyTables(
        example.snapshot, samples: example.samples, options: FuzzyTableOptions(leastSamples: least))
      return example.agreement(on: example.unseen) { tables.run(features: $0) }
    }
    #expect(agreement[1] > agreement[0] + 0.05, "\(agreement)")
  }

  @Test("is the same for the same samples")
  func repeated() throws {
    let example = try TableExample.classifier()
    let tables = try (0..<2).map { _ in try FuzzyTables(example.snapshot, samples: example.samples) }
    #expect(tables[0] == tables[1])
  }

  @Test("sums stay in their width for any features, and use all of it", arguments: [8, 12, 16])
  func widths(sumBits: Int) throws {
    var random = SeededGenerator(seed: Self.seed)
    let example = try TableExample.drawn([16, 8, 4, 2], samples: 400, seed: Self.seed)
    for refined in [0, Int.max] {
      let tables = try FuzzyTables(
        example.snapshot, samples: example.samples,
        options: FuzzyTableOptions(sumBits: sumBits, refinedLayers: refined, leastSamples: 0))
      let extremes = [Int64.min, -1, 0, Int64.max].map { [Int64](repeating: $0, count: 16) }
      let drawn = (0..<500).map { _ in (0..<16).map { _ in Int64(bitPattern: random.next()) } }
      for features in extremes + drawn + example.samples + example.unseen {
        for (layer, sums) in zip(tables.layers, tables.sums(features: features)) {
          for (sum, bits) in zip(sums, layer.sumBits) { #expect(sum >= 0 && sum >> Int64(bits) == 0) }
        }
      }
      for layer in tables.layers {
        #expect(layer.tables.allSatisfy { $0.values.allSatisfy { $0.allSatisfy { $0 >= 0 } } })
        // One bit more would be kept if there were room for it.
        #expect(layer.sumBits.max() == sumBits, "seed \(Self.seed)")
      }
    }
  }

  @Test("more leaves never lose more of a group's sums in the first layer, and at last nothing")
  func leaves() throws {
    let example = try TableExample.drawn([6, 4, 2], samples: 120, seed: Self.seed)
    for group in [1, 2, 3] {
      let errors = try (1...40).map { leaves in
        try FuzzyTables(
          example.snapshot, samples: example.samples,
          options: FuzzyTableOptions(
            groupSize: group, leaves: leaves, keyBits: 62, refinedLayers: 0, leastSamples: 0)
        ).layers[0].tables.map(\.error)
      }
      for (fewer, more) in zip(errors, errors.dropFirst()) {
        #expect(zip(fewer, more).allSatisfy { $0 >= $1 * (1 - 1e-9) }, "seed \(Self.seed)")
      }
      #expect(zip(errors[0], errors[39]).allSatisfy { $0 > 4 * $1 })
      let whole = try FuzzyTables(
        example.snapshot, samples: example.samples,
        options: FuzzyTableOptions(groupSize: group, leaves: 120, keyBits: 62, leastSamples: 0))
      #expect(whole.layers[0].tables.allSatisfy { $0.error <= 1e-9 * errors[0][0] })
    }
  }

  @Test("the first threshold is the best that there is")
  func threshold() throws {
    for seed in [1, 2, 3, 4] as [UInt64] {
      let example = try TableExample.drawn([1, 3, 2], samples: 60, seed: seed)
      let errors = try [1, 2].map { leaves in
        try FuzzyTables(
          example.snapshot, samples: example.samples,
          options: FuzzyTableOptions(leaves: leaves, keyBits: 62, leastSamples: 0)
        ).layers[0].tables[0].error
      }
      let inputs = example.samples.map { Double(example.reference.trace(features: $0)[0][0]) }.sorted()
      func squares(_ part: ArraySlice<Double>) -> Double {
        let mean = part.reduce(0, +) / Double(part.count)
        return part.reduce(0) { $0 + pow($1 - mean, 2) }
      }
      let least = (1..<inputs.count).map { squares(inputs[..<$0]) + squares(inputs[$0...]) }.min() ?? 0
      #expect(abs(errors[1] / errors[0] - least / squares(inputs[...])) < 1e-9, "seed \(seed)")
    }
  }

  @Test("sums of few bits are not smaller in the mean than those of many")
  func rounding() throws {
    let example = try TableExample.drawn([16, 3], samples: 400, seed: Self.seed)
    let tables = try [10, 40].map { bits in
      try FuzzyTables(
        example.snapshot, samples: example.samples,
        options: FuzzyTableOptions(groupSize: 1, sumBits: bits, refinedLayers: 0, leastSamples: 0))
    }
    // 16 values are added: cut instead of rounded they would be 8 units less.
    let unit = Double(sign: .plus, exponent: -tables[0].layers[0].shift, significand: 1)
    let differences = example.samples.flatMap { features in
      zip(tables[0].run(features: features), tables[1].run(features: features)).map { Double($0 - $1) / unit }
    }
    #expect(abs(differences.reduce(0, +) / Double(differences.count)) < 2, "seed \(Self.seed)")
    #expect(differences.contains { abs($0) > 0.25 }, "the widths differ")
  }

  @Test("values that are fitted are nearer to the integer network's outputs on the samples")
  func refined() throws {
    for seed in [1, 2, 3, 4] as [UInt64] {
      let example = try TableExample.drawn([10, 6, 3], samples: 400, seed: seed)
      let squares = try [0, 1].map { refined in
        let tables = try FuzzyTables(
          example.snapshot, samples: example.samples,
          options: FuzzyTableOptions(
            leaves: 6, sumBits: 40, refinedLayers: refined, leastSamples: 0))
        return example.samples.reduce(0.0) { sum, features in
          sum
            + zip(tables.run(features: features), example.reference.run(features: features))
            .reduce(0) { $0 + pow(Double($1.0 - $1.1), 2) }
        }
      }
      #expect(squares[1] < 0.99 * squares[0], "seed \(seed): \(squares)")
    }
  }

  @Test("what is listed gives the same sums by ranges and additions alone")
  func listing() throws {
    let example = try TableExample.classifier()
    let tables = try FuzzyTables(
      example.snapshot, samples: example.samples, options: FuzzyTableOptions(groupSize: 3, leaves: 9))
    let text = try JSONEncoder().encode(tables.entries)
    let listing = try JSONDecoder().decode(TableListing.self, from: text)
    #expect(listing == tables.entries)
    for features in example.unseen.prefix(300) {
      var values = zip(listing.features, features).map { min(max($1 - $0.low, 0), $0.width) }
      for (layer, sums) in zip(listing.layers, tables.sums(features: features)) {
        values = Self.sums(of: layer, values)
        #expect(values == sums)
      }
    }
    let lines = tables.entries.text.split(separator: "\n")
    let (count, entries) = (tables.layers.map(\.tables.count).reduce(0, +), tables.cost.rangeEntries)
    #expect(lines.count == count + entries && lines[0].hasPrefix("dense1_0 keys 0>>"))
  }

  private static func sums(of layer: TableListing.Layer, _ inputs: [Int64]) -> [Int64] {
    var sums = layer.sumBits.map { _ in Int64(0) }
    for table in layer.tables {
      let keys = table.keys.map { inputs[$0.source] >> Int64($0.shift) }
      let matching = table.entries.filter { entry in
        keys.indices.allSatisfy { (entry.low[$0]...entry.high[$0]).contains(keys[$0]) }
      }
      #expect(matching.count == 1)
      for (place, value) in (matching.first?.adds ?? []).enumerated() {
        sums[table.firstSum + place] += value
      }
    }
    return sums
  }

  @Test("costs are those of its entries")
  func cost() throws {
    let example = try TableExample.classifier()
    let tables = try FuzzyTables(
      example.snapshot, samples: example.samples, options: FuzzyTableOptions(groupSize: 4, leaves: 8))
    let cost = tables.cost
    #expect(cost.lookups == 3 + 4 + 2)
    // 12-16-8-4: two additions for each of 16 sums, three for 8, one for 4, and four offsets.
    #expect(cost.additions == 2 * 16 + 3 * 8 + 1 * 4 + tables.layers[2].offsets.count { $0 != 0 })
    #expect(cost.rangeEntries == 9 * 8 && cost.ternaryEntries > cost.rangeEntries)
    #expect(cost.tcamBits == cost.ternaryEntries * 2 * 4 * 8)
    let values = tables.entries.layers.flatMap(\.tables).reduce(0) { sum, table in
      sum + table.entries.count * table.valueBits.reduce(0, +)
    }
    #expect(cost.sramBits == values + cost.ternaryEntries * 3)
    let constant = try FuzzyTables(
      example.snapshot, samples: example.samples, options: FuzzyTableOptions(leaves: 1)
    ).cost
    #expect(constant.lookups == 0 && constant.tcamBits == 0 && constant.rangeEntries == 0)
  }
}
