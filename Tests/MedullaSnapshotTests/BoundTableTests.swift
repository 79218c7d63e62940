import MedullaModel
import Testing

@testable import MedullaSnapshot

/// The bound's arithmetic by numbers that can be checked by hand, at its limits and one beyond.
@Suite("Bounds of single steps")
struct BoundTableTests {
  private static let identity = Epilogue(shift: 0, function: .identity)

  /// A dense step of so many channels and terms.
  private func prove(
    weights: [Int32], bias: [Int64] = [0], multipliers: [Int64] = [1], channels: Int = 1, groups: Int = 1,
    packing: Packing = .single, epilogue: Epilogue = BoundTableTests.identity, kind: String = "dense",
    input: ClosedRange<Int64>
  ) throws -> StepProof {
    let block = LinearBlock(
      channels: channels, terms: weights.count / (channels * groups), groups: groups, packing: packing)
    return try LinearBound(step: 3, kind: kind, block: block, epilogue: epilogue, input: input, tables: [])
      .prove(LinearParameters(weights: weights, bias: bias, multipliers: multipliers))
  }

  private func isProven(_ body: () throws -> StepProof) -> Bool { (try? body()) != nil }

  @Test("features enter up to the scheme's limit on each side, and not one beyond")
  func entry() throws {
    let limit = QuantizationScheme.w8a16.activationLimit
    func entry(_ width: Int64, _ multiplier: Int64, _ bias: Int64, shift: Int = 4) -> ClosedRange<Int64>? {
      try? BoundProof.entry(
        [FeatureScaling(low: 0, width: width, multiplier: multiplier, bias: bias)], scheme: .w8a16,
        shift: shift)
    }
    #expect(entry(0, 0, 0) == 0...0)
    #expect(entry(0, 5, 32) == 2...2)
    #expect(entry(7, 0, 32) == 2...2)
    #expect(entry(2 * limit << 4, 1, -limit << 4) == -limit...limit)
    #expect(entry(0, 1, -limit << 4 - 1) == nil, "a step below the lowest")
    #expect(entry(2 * limit << 4 + 15, 1, -limit << 4) == -limit...limit)
    #expect(entry(2 * limit << 4 + 16, 1, -limit << 4) == nil, "a step above the highest")
    #expect(entry(-1, 1, 0) == nil && entry(1, -1, 0) == nil)
    #expect(entry(.max, 2, 0) == nil && entry(.max, 1, 1) == nil)
  }

  @Test("several features enter within what all of them reach")
  func entries() throws {
    let features = [(16, 1, 32), (160, 1, -48), (32, 1, 0)].map {
      FeatureScaling(low: 0, width: $0.0, multiplier: $0.1, bias: $0.2)
    }
    #expect(try BoundProof.entry(features, scheme: .w8a16, shift: 4) == -3...7)
    let error = #expect(throws: SnapshotError.self) {
      try BoundProof.entry(
        features + [FeatureScaling(low: 0, width: -1, multiplier: 1, bias: 0)], scheme: .w8a16, shift: 4)
    }
    #expect(error?.message.contains("feature 3") == true)
  }

  @Test("a sum's range is of each channel's positive and negative weights, with the bias")
  func sums() throws {
    // Channels: 2x + 3y + 10, -x + y - 4, 0; inputs of -5 to 7.
    let proof = try prove(
      weights: [2, 3, -1, 1, 0, 0], bias: [10, -4, 1], multipliers: [1, 1, 1], channels: 3, input: -5...7)
    #expect(proof.channels == 3 && proof.terms == 2 && proof.worstChannel == 0 && proof.step == 3)
    #expect(proof.lowestSum == -16 && proof.highestSum == 45)
    #expect(proof.lowestLane == -16 && proof.highestLane == 45)
    #expect(proof.lowestOutput == -16 && proof.highestOutput == 45 && proof.largestProduct == 45)
  }

  @Test("each group has its channels, and the first of those that reach farthest is named")
  func worst() throws {
    let weights: [Int32] = [1, 2, 3, -3, 2, 1]
    let proof = try prove(
      weights: weights, bias: [Int64](repeating: 0, count: 6), multipliers: [1, 1, 1, 1, 1, 9], channels: 3,
      groups: 2, input: -10...10)
    #expect(proof.channels == 6 && proof.terms == 1 && proof.worstChannel == 2)
    #expect(proof.largestProduct == 90 && proof.highestSum == 30 && proof.highestOutput == 90)
    let later = try prove(
      weights: [1, 5, 3, -5], bias: [0, 0, 0, -1], multipliers: [1, 1, 1, 1], channels: 4, input: -10...10)
    #expect(later.worstChannel == 3 && later.lowestSum == -51)
  }

  @Test("inputs that cannot be 0 leave partial sums that a lane must hold, though no sum reaches them")
  func lanes() throws {
    let proof = try prove(weights: [4], bias: [7], input: 5...6)
    #expect(proof.lowestSum == 27 && proof.highestSum == 31)
    #expect(proof.lowestLane == 7 && proof.highestLane == 31)
    let triple = try prove(
      weights: [4, 1, 1], bias: [7, 0, 0], multipliers: [1, 1, 1], channels: 3, packing: .triple,
      input: 5...6)
    #expect(triple.lowestLane == 0 && triple.highestLane == 24, "the bias comes after the lanes")
  }

  @Test("a lane is used to its last value")
  func laneLimits() throws {
    #expect(Packing.pair.laneLimit == 1 << 31 - 1 && Packing.triple.laneLimit == 1 << 20 - 1)
    #expect(Packing.single.laneLimit == 1 << 62 - 1)
    for packing in Packing.allCases {
      let limit = packing.laneLimit
      #expect(packing.holds(-limit - 1...limit))
      #expect(!packing.holds(-limit - 2...0) && !packing.holds(0...limit + 1))
    }
    func pair(_ bias: Int64) -> Bool {
      isProven {
        try prove(
          weights: [1, 0], bias: [bias, 0], multipliers: [1, 1], channels: 2, packing: .pair,
          input: 0...1)
      }
    }
    #expect(pair(1 << 31 - 2) && !pair(1 << 31 - 1))
    #expect(pair(-1 << 31) && !pair(-1 << 31 - 1))
  }

  @Test("multipliers of 0 are allowed, below it none is")
  func multipliers() throws {
    let proof = try prove(weights: [3], multipliers: [0], input: -5...5)
    #expect(proof.lowestOutput == 0 && proof.highestOutput == 0 && proof.largestProduct == 0)
    #expect(!isProven { try prove(weights: [3], multipliers: [-1], input: -5...5) })
  }

  @Test("the shift divides the product downwards")
  func shift() throws {
    let proof = try prove(
      weights: [1], multipliers: [3], epilogue: Epilogue(shift: 2, function: .identity), input: -5...5)
    #expect(proof.lowestOutput == -4 && proof.highestOutput == 3 && proof.largestProduct == 15)
  }

  @Test("inputs and weights may be as wide as their product allows, and a map's inputs wider")
  func terms() throws {
    func accepts(_ weight: Int32, _ widest: Int64, kind: String = "dense", bias: Int64 = 0) -> Bool {
      isProven {
        try prove(weights: [weight], bias: [bias], multipliers: [0], kind: kind, input: -widest...0)
      }
    }
    #expect(accepts(256, 1 << 30) && !accepts(257, 1 << 30))
    #expect(accepts(0, 1 << 39) && !accepts(0, 1 << 40) && !accepts(1, 1 << 39))
    #expect(accepts(1, 1 << 40, kind: "map"))
    #expect(accepts(.max, 0))
    #expect(accepts(1, 1, bias: 1 << 61 - 1) && !accepts(1, 1, bias: 1 << 61))
    #expect(accepts(1, 1, bias: -1 << 61 + 1) && !accepts(1, 1, bias: -1 << 61))
  }

  @Test("an output reaches 2⁶² at most, and what would leave 64 bits is refused")
  func outputs() throws {
    func accepts(_ multiplier: Int64, _ highest: Int64) -> Bool {
      isProven { try prove(weights: [1], multipliers: [multiplier], input: 0...highest) }
    }
    #expect(accepts(1 << 32, 1 << 30) && !accepts(1 << 32 + 1, 1 << 30) && !accepts(1 << 33, 1 << 30))
  }

  @Test(
    "a leaky rectifier's range takes in both signs of its slope, and its limit",
    arguments: [
      (3, 1, 1_000, -150, 50), (3, 1, 120, -120, 50), (3, 1, 40, -40, 40), (-3, 1, 1_000, -100, 150),
      (0, 1, 1_000, -100, 50), (1, 4, 1_000, -100, 50),
    ] as [(Int64, Int, Int64, Int64, Int64)])
  func leaky(multiplier: Int64, shift: Int, limit: Int64, low: Int64, high: Int64) throws {
    let epilogue = Epilogue(shift: 0, function: .leaky(multiplier: multiplier, shift: shift, limit: limit))
    let proof = try prove(weights: [1], epilogue: epilogue, input: -100...50)
    #expect(proof.lowestOutput == low && proof.highestOutput == high)
  }

  @Test("a clamp cuts what comes out")
  func clamp() throws {
    let proof = try prove(
      weights: [1], epilogue: Epilogue(shift: 0, function: .clamp(low: -3, high: 20)), input: -100...50)
    #expect(proof.lowestOutput == -3 && proof.highestOutput == 20 && proof.lowestSum == -100)
  }

  @Test("an average's inputs reach ±2³⁰, padding lets 0 in, and an argmax's outputs are its indices")
  func others() throws {
    let bounds = StepBounds(tables: [])
    let one = Extent(height: 1, width: 1)
    let pool = PoolStep(
      kind: .average, channels: 1, height: 1, width: 2, kernel: Extent(height: 1, width: 2), strides: one,
      padding: Padding(top: 0, left: 0, bottom: 0, right: 0), outputHeight: 1, outputWidth: 1)
    func average(_ input: ClosedRange<Int64>) -> ClosedRange<Int64>? {
      try? bounds.after(.pool(pool), .none, at: 0, input: input).output
    }
    let limit: Int64 = 1 << 30
    #expect(average(-limit...limit) == -limit...limit)
    #expect(average(-limit - 1...0) == nil && average(0...limit + 1) == nil)
    let pad = PadStep(
      channels: 1, height: 1, width: 2, padding: Padding(top: 0, left: 1, bottom: 0, right: 0))
    #expect(try bounds.after(.pad(pad), .none, at: 0, input: 3...5).output == 0...5)
    #expect(try bounds.after(.pad(pad), .none, at: 0, input: -5 ... -3).output == -5...0)
    let argmax = Step.argmax(ArgmaxStep(inputs: 7, unit: 1 << 4))
    #expect(try bounds.after(argmax, .none, at: 0, input: 0...1).output == 0...(7 << 4))
  }

  @Test("exact products and sums are nil as soon as they, or their size, leave 64 bits")
  func exact() {
    #expect(exactProduct(1 << 31, 1 << 31) == 1 << 62 && exactProduct(1 << 32, 1 << 31) == nil)
    #expect(exactProduct(-1 << 32, 1 << 31) == nil && exactProduct(.max, -1) == -.max)
    #expect(exactProduct(.min, 1) == nil)
    #expect(exactSum(1, 2, 3) == 6 && exactSum(.max, -1, 1) == .max && exactSum(.max, 1, -1) == nil)
    #expect(exactSum(.min, 0, 1) == -.max && exactSum(-.max, -1, 0) == nil && exactSum(0, .max, 1) == nil)
  }

  @Test("a softmax needs a slope that is not negative, a table that is not, and sums below 2⁶³")
  func softmax() throws {
    let table = FunctionTable(function: .decay, amplitude: 1 << 20, scheme: .w8a16)
    let lines = TableLines(spec: table, entries: try table.entries())
    let bounds = StepBounds(tables: [lines])
    func output(
      multiplier: Int64 = 1, length: Int = 2, unit: Int64 = 1 << 16, input: ClosedRange<Int64> = -10...10
    ) -> ClosedRange<Int64>? {
      let step = SoftmaxStep(rows: 1, length: length, shift: 0, table: 0, unit: unit)
      return try? bounds.after(.softmax(step), .softmax(multiplier: multiplier), at: 0, input: input).output
    }
    #expect(output() == 0...(1 << 16))
    #expect(output(multiplier: 0) != nil && output(multiplier: -1) == nil)
    let flat = StepBounds(
      tables: [
        TableLines(
          spec: table,
          entries: [TableEntry](
            repeating: TableEntry(intercept: 0, slope: 0), count: try table.entries().count))
      ])
    let step = Step.softmax(SoftmaxStep(rows: 1, length: 2, shift: 0, table: 0, unit: 1 << 16))
    #expect(throws: SnapshotError.self, "all would be divided by 0") {
      try flat.after(step, .softmax(multiplier: 1), at: 0, input: -10...10)
    }
    #expect(output(multiplier: 1 << 58) != nil && output(multiplier: 1 << 59) == nil, "20 of them")
    #expect(output(input: -1 << 62...1 << 61) != nil && output(input: -1 << 62...1 << 62) == nil)
    let highest = lines.range.upperBound
    #expect(output(unit: Int64.max / highest) == nil && output(unit: Int64.max / highest - 2) != nil)
  }
}
