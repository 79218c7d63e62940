/// How a layer's products become values whose sums fit their width: low bits are dropped, as few as possible,
/// and each table counts from its smallest value, so that nothing is negative.
struct SumRounding {
  private let drop: Int64
  private let outputs: Int

  /// - Throws: `badNetwork` where no number of dropped bits is enough.
  init(_ drafts: [TableFit.Draft], outputs: Int, sumBits: Int, name: String) throws(FabricError) {
    self.outputs = outputs
    let limit = Int128(1) << Int128(sumBits)
    for drop in Int64(0)..<62 {
      var sums = [Int128](repeating: 0, count: outputs)
      for draft in drafts {
        for (place, output) in draft.outputs.enumerated() {
          let values = draft.products.map { Self.rounded($0[place], drop) }
          sums[output] += Int128(values.max() ?? 0) - Int128(values.min() ?? 0)
        }
      }
      if sums.allSatisfy({ $0 < limit }) {
        self.drop = drop
        return
      }
    }
    throw FabricError(
      .badNetwork, "\(name): its sums do not fit \(sumBits) bits", remedy: "allow them more bits")
  }

  private static func rounded(_ product: Int64, _ drop: Int64) -> Int64 {
    drop == 0 ? product : (product + 1 << (drop - 1)) >> drop
  }

  /// - Parameter shift: of the layer's products.
  func layer(named name: String, keys: [TableKey], _ drafts: [TableFit.Draft], shift: Int) -> TableLayer {
    var offsets = [Int64](repeating: 0, count: outputs)
    let tables = drafts.map { draft in
      let values = draft.products.map { $0.map { Self.rounded($0, drop) } }
      let least = draft.outputs.indices.map { place in
        values.reduce(Int64.max) { min($0, $1[place - draft.outputs.lowerBound]) }
      }
      for (output, least) in zip(draft.outputs, least) { offsets[output] += least }
      return GroupTable(
        sources: draft.sources, firstOutput: draft.outputs.lowerBound, outputCount: draft.outputs.count,
        tree: draft.tree, values: values.map { row in zip(row, least).map { $0 - $1 } }, error: draft.error)
    }
    return TableLayer(
      name: name, keys: keys, tables: tables, outputs: outputs, offsets: offsets,
      shift: shift - Int(drop))
  }
}
