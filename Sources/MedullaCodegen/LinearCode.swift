import MedullaSnapshot

/// The C of sums: what a dense layer and a convolution have in common.
struct LinearCode {
  let block: LinearBlock
  /// The step's place in the program.
  let index: Int
  /// How far apart two channels of the output lie.
  let channelStride: Int

  /// Terms that are written out; more run in a loop, so that programs stay small.
  static let unrolledTerms = 64
  /// Terms of one turn of such a loop.
  static let termsPerTurn = 16

  /// A dense step's terms that are written out: each line of code is a miss where caches are cold.
  static let denseUnrolledTerms = 8
  /// Terms of one turn of a dense step's loop, at most.
  private static let denseTermsPerTurn = 8

  /// Terms of one turn: no rest is left where a turn of at least half the size goes into them, and there are
  /// two turns at least.
  static func denseTurn(_ terms: Int) -> Int {
    let least = denseTermsPerTurn / 2
    let even = (least...denseTermsPerTurn).reversed().first { terms % $0 == 0 && terms > $0 }
    return even ?? (terms < 2 * denseTermsPerTurn ? least : denseTermsPerTurn)
  }

  var lanes: Int { block.packing.lanes }

  /// The step's function: with the map value that holds its weights, when it is not the image.
  func head(_ part: WeightPlaces.Part) -> [String] {
    let name = part.firstChannel == 0 ? "\(index)" : "\(index)_\(part.firstChannel)"
    let weights = part.chunk == nil ? "" : " \(CType.image)part,"
    return [
      "static __always_inline void medulla_step\(name)(\(CType.image)image,\(weights)",
      "\t\t\t\t\t     \(CType.words)x, \(CType.results)y)",
    ]
  }

  /// Points `w` at the weights and `y` at the first channel.
  func begin(_ part: WeightPlaces.Part, into source: inout CSource) {
    let image = part.chunk == nil ? "image" : "part"
    source.line("\(CType.words)w = \(CType.weights(image, part.offset));")
    if part.firstChannel > 0 {
      source.line()
      source.line("y += \(part.firstChannel * channelStride);")
    }
  }

  /// What a loop over chunks reads, and how far it moves in the weights and in the outputs.
  func captured(words: Int, results: Int) -> [CSource.Captured] {
    [
      CSource.Captured(type: CType.image, name: "image"),
      CSource.Captured(type: CType.words, name: "w", step: words),
      CSource.Captured(type: CType.words, name: "x"),
      CSource.Captured(type: CType.results, name: "y", step: results),
    ]
  }

  /// Declares the accumulators of a chunk and starts them.
  func start(units: Int, into source: inout CSource) {
    for unit in 0..<units {
      source.line(
        block.packing == .triple ? "__s64 a\(unit) = 0;" : "__s64 a\(unit) = \(CType.weight("w", unit));")
    }
  }

  /// Words before the first term's weights.
  func firstWeight(units: Int) -> Int { block.packing == .triple ? 0 : units }

  /// One term: `a += x · w` for every unit. The empty `asm` keeps the compiler from loading weights ahead of
  /// their use, for which there are not enough registers.
  func term(_ x: String, weights: String, at word: Int, units: Int, into source: inout CSource) {
    source.line("v = \(x);")
    source.line("MEDULLA_HOLD(v);")
    for unit in 0..<units { source.line("a\(unit) += v * \(CType.weight(weights, word + unit));") }
    source.line(hold(units))
  }

  /// Splits the lanes and finishes every channel of a chunk. `w` points at the chunk, `y` at the first
  /// channel's output.
  func finish(
    from first: Int = 0, units: Int, channels: Int, output: String, multipliers: String, at word: Int,
    into source: inout CSource
  ) {
    let biases = block.packing == .triple ? units * lanes : 0
    for unit in first..<units {
      let names = lane(of: unit)
      source.lines(names.split)
      for (lane, sum) in names.sums.enumerated() where unit * lanes + lane < channels {
        let channel = unit * lanes + lane
        let value = biases > 0 ? "\(sum) + \(CType.weight(multipliers, word + channel))" : sum
        source.line(
          "\(output)[\(channel * channelStride)] = medulla_finish\(index)(image, \(value), "
            + "\(CType.weight(multipliers, word + biases + channel)));")
      }
    }
  }

  /// `finish` for the first units of a chunk, whose lanes all have a channel, in one loop: their sums wait in
  /// the outputs' places.
  func finishInTurns(
    _ whole: Int, of units: Int, multipliers: String, at word: Int, into source: inout CSource
  ) {
    let biases = block.packing == .triple ? units * lanes : 0
    let stride = lanes * channelStride
    for unit in 0..<whole { source.line("y[\(unit * stride + stride - channelStride)] = a\(unit);") }
    source.line("\(CType.words)m = \(multipliers) + \(word);")
    source.line("\(CType.results)z = y;")
    source.loop("unit", whole, advance: ["m += \(lanes)", "z += \(stride)"]) { source in
      source.line("MEDULLA_HOLD(m);")
      source.line("MEDULLA_HOLD(z);")
      source.line("a0 = z[\(stride - channelStride)];")
      let names = lane(of: 0)
      source.lines(names.split)
      for (lane, sum) in names.sums.enumerated() {
        let value = biases > 0 ? "\(sum) + \(CType.weight("m", lane))" : sum
        source.line(
          "z[\(lane * channelStride)] = medulla_finish\(index)(image, \(value), "
            + "\(CType.weight("m", biases + lane)));")
      }
    }
  }

  func hold(_ units: Int) -> String {
    (0..<units).map { "MEDULLA_HOLD(a\($0));" }.joined(separator: " ")
  }

  /// The lower lane is sign-extended and taken off, so the upper one is exact.
  private func lane(of unit: Int) -> (split: [String], sums: [String]) {
    switch block.packing {
    case .single: return ([], ["a\(unit)"])
    case .pair:
      return (["lane = (__s32)a\(unit);", "a\(unit) = (a\(unit) - lane) >> 32;"], ["lane", "a\(unit)"])
    case .triple:
      return (
        [
          "lane = (__s64)((__u64)a\(unit) << 43) >> 43;", "a\(unit) = (a\(unit) - lane) >> 21;",
          "middle = (__s64)((__u64)a\(unit) << 43) >> 43;", "a\(unit) = (a\(unit) - middle) >> 21;",
        ], ["lane", "middle", "a\(unit)"]
      )
    }
  }

  /// Locals that the splits use.
  var declarations: [String] {
    switch block.packing {
    case .single: ["__s64 v;"]
    case .pair: ["__s64 v, lane;"]
    case .triple: ["__s64 v, lane, middle;"]
    }
  }
}
