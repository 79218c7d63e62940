import InferenceCases
import MedullaBase
import MedullaDatapath
import MedullaModel
import MedullaRuntime
import RuntimeCases
import Testing

@testable import MedullaSnapshot

@Suite(
  "The float network within the report's bound", .serialized,
  .enabled(if: ONNXRuntimePeer.isHere, Comment(rawValue: ONNXRuntimePeer.reason)))
struct AccuracyTests {
  static let seed: UInt64 = 20_261_128
  static let here = Runtimes.all.filter { $0.obstacle == nil }.map(\.name)

  /// Quantized once for all runtimes.
  static let generated = Result {
    let cases = try AccuracyCase.generated(seed: seed)
    return try Array(zip(cases, ONNXRuntimePeer.outputs(of: cases))).concurrentMap {
      try AccuracyConformance($0.0, expected: $0.1)
    }
  }

  @Test("every operator and generated shape: the report stays within what the scheme allows")
  func reports() throws {
    let cases = try AccuracyCase.generated(seed: Self.seed) + AccuracyCase.examples(seed: Self.seed)
    #expect(cases.count > 120)
    let all = try Array(zip(cases, ONNXRuntimePeer.outputs(of: cases))).concurrentMap { example, expected in
      let conformance = try AccuracyConformance(example, expected: expected)
      return try conformance.breachesOfReport() + conformance.breaches(of: ReferenceRuntime())
    }
    for breaches in all { #expect(breaches.isEmpty, "seed \(Self.seed): \(breaches.prefix(2))") }
  }

  /// What misses the limits with the suite's own inputs; a row that is met again leaves this list.
  static let missedWithUnequalFeatures: Set<String> = [
    "example-46-clip at the end W8A8", "example-74-hardSigmoid at the end W8A8",
    "example-81-padded convolution W8A8", "example-82-padded convolution W8A16",
    "example-91-pointwise convolution W8A16", "example-113-softmax W8A16",
    "example-115-softmax inside W8A8", "example-118-softmax of rows W8A16",
    "example-153-padded convolution W8A10",
  ]

  @Test("where one scale serves features of very different size the limits are missed, and by these")
  func unequalFeatures() throws {
    let cases = try AccuracyCase.examples(seed: Self.seed, isUnequal: true)
    let missed = try Array(zip(cases, ONNXRuntimePeer.outputs(of: cases))).concurrentMap {
      example, expected in
      try AccuracyConformance(example, expected: expected).breachesOfReport().isEmpty ? nil : example.name
    }
    #expect(Set(missed.compactMap(\.self)) == Self.missedWithUnequalFeatures, "seed \(Self.seed)")
  }

  @Test(
    "every runtime, on generated shapes, stays within the report's bound of ONNX Runtime", arguments: here)
  func runtimes(name: String) throws {
    let runtime = try Runtimes.named(name)
    for breaches in try Self.generated.get().concurrentMap({ try $0.breaches(of: runtime) }) {
      #expect(breaches.isEmpty, "\(name), seed \(Self.seed): \(breaches.prefix(2))")
    }
  }

  /// An operator of the integer network that is wrong everywhere in the same way.
  static let mutations: [(name: String, family: String, change: @Sendable (Step) -> Step?)] = [
    ("a maximum where a mean is wanted", "averagepool", { $0.pooling(kind: .maximum) }),
    ("a mean where a maximum is wanted", "maxpool", { $0.pooling(kind: .average) }),
    ("a pool that takes the window one further", "maxpool", { $0.pooling(isShifted: true) }),
    ("a mean over the window one further", "averagepool", { $0.pooling(isShifted: true) }),
    ("a gather that reads backwards", "rearrange", { $0.gatheringBackwards }),
    ("a softmax that knows one row", "softmax", { $0.inOneRow }),
  ]

  @Test("an operator that is wrong everywhere in the same way is seen", arguments: mutations.indices)
  func mutated(index: Int) throws {
    let mutation = Self.mutations[index]
    var tried = 0
    for seed in UInt64(1)...8 {
      let cases = try AccuracyCase.generated(seed: seed * 100).filter {
        $0.name.hasPrefix(mutation.family + "-")
      }
      for (example, expected) in zip(cases, try ONNXRuntimePeer.outputs(of: cases)) {
        let options = QuantizerOptions(scheme: example.scheme)
        let snapshot = try Quantizer(options).quantize(
          example.network, Calibration(samples: example.samples))
        let steps = snapshot.shape.steps.map { mutation.change($0) ?? $0 }
        guard steps != snapshot.shape.steps else { continue }
        let shape = ProgramShape(
          scheme: snapshot.shape.scheme, inputs: snapshot.shape.inputs,
          featureFractionBits: snapshot.shape.featureFractionBits,
          outputFractionBits: snapshot.shape.outputFractionBits, tables: snapshot.shape.tables, steps: steps)
        let wrong = try Snapshot(shape: shape, parameters: snapshot.parameters, record: snapshot.record)
        tried += 1
        let breaches = try AccuracyConformance(example, expected: expected, snapshot: wrong)
          .breachesOfReport()
        #expect(!breaches.isEmpty, "\(mutation.name), \(example.name)")
      }
    }
    #expect(tried > 0, "\(mutation.name)")
  }
}

extension Step {
  fileprivate func pooling(kind: PoolStep.Kind? = nil, isShifted: Bool = false) -> Step? {
    guard case .pool(let pool) = self, pool.kernel.height * pool.kernel.width > 1 else { return nil }
    var padding = pool.padding
    if isShifted {
      guard padding.top > 0, padding.bottom + 1 < pool.kernel.height else { return nil }
      padding = Padding(
        top: padding.top - 1, left: padding.left, bottom: padding.bottom + 1, right: padding.right)
    }
    return .pool(
      PoolStep(
        kind: kind ?? pool.kind, channels: pool.channels, height: pool.height, width: pool.width,
        kernel: pool.kernel, strides: pool.strides, padding: padding, outputHeight: pool.outputHeight,
        outputWidth: pool.outputWidth))
  }

  fileprivate var gatheringBackwards: Step? {
    guard case .gather(let gather) = self, gather.indices != gather.indices.reversed() else { return nil }
    return .gather(GatherStep(inputs: gather.inputs, indices: gather.indices.reversed()))
  }

  fileprivate var inOneRow: Step? {
    guard case .softmax(let step) = self, step.rows > 1 else { return nil }
    return .softmax(
      SoftmaxStep(
        rows: 1, length: step.rows * step.length, shift: step.shift, table: step.table, unit: step.unit))
  }
}
