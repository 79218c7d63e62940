import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import TestbedLink
import TestbedMeasures
import TestbedReport

/// How the cost of an inference grows with switches, inferences at once and the network's size: the study
/// `fabric-scale`.
enum FabricScale {
  static let switches = Axis(
    "switches", "switches", [1, 2, 3, 4, 6, 12], in: 1...12, suffix: " switches",
    "That compute; layers are divided evenly in their order.")
  static let windows = Axis("windows", "window", [1, 2, 4, 8, 16], in: 1...64, suffix: " at once")
  static let parameters = Axis(
    "parameters", "parameters", [10_000, 100_000, 1_000_000, 10_000_000], in: 3_000...20_000_000,
    suffix: " parameters")
  static let seconds = Setting("seconds", 1.0, .atLeast, in: 0.1...3_600, "Of each cell.")

  static let p50 = FabricLatency.p50
  static let rate = FabricLatency.rate
  static let wrong = FabricLatency.wrong

  static func at(_ count: Int, _ window: Int, _ size: Int) -> [Match] {
    [switches(count), windows(window), parameters(size)]
  }

  private static let hop = Figure("10⁴ parameters, one at once: p50, a switch more (µs)", places: 2) { runs in
    guard let far = runs.mean(p50, at(12, 1, 10_000)), let near = runs.mean(p50, at(1, 1, 10_000)) else {
      return nil
    }
    return Estimate((far - near) / 11)
  }

  static let study = Study(
    "fabric-scale", "What an inference costs with more switches, more at once, and larger networks.",
    discussion: "Needs root and clang; ten minutes, --quick one.",
    method: """
      Twelve dense layers with drawn weights: 64 inputs, eleven layers of the same width with ReLU, ten \
      outputs, as wide as gives the stated parameters. Layers are divided evenly over the switches, in their \
      order; two spines; one processor a switch, all switches on the machine's two. One client keeps as \
      many inferences on their way as stated; an answer's time includes its waiting for the others. Every \
      answer is compared with the reference interpreter's.
      """,
    paper: nil,
    keys: [parameters, switches, windows, seconds, Common.repeats.with(1)],
    quick: { ($0[switches], $0[windows], $0[parameters], $0[seconds]) = ([1, 12], [1, 16], [10_000], 0.3) },
    cells: { [StudyCell].one.times(parameters, $0).times(switches, $0).times(windows, $0) },
    course: .trials(.asListed) { plan, _ in
      { cell, _ in
        try ScaledFabric(parameters: cell[parameters]).measure(
          switches: cell[switches], window: cell[windows], seconds: plan[seconds])
      }
    },
    metrics: [p50, FabricLatency.p99, rate, wrong],
    figures: [
      hop,
      Figure("10⁷ parameters, one at once: p50, twelve switches over one") {
        $0.ratio(p50, at(12, 1, 10_000_000), over: at(1, 1, 10_000_000))
      },
      Figure("10⁵ parameters, twelve switches: rate, 16 at once over one") {
        $0.ratio(rate, at(12, 16, 100_000), over: at(12, 1, 100_000))
      },
      Figure("three switches, one at once: p50, 10⁷ parameters over 10⁶") {
        $0.ratio(p50, at(3, 1, 10_000_000), over: at(3, 1, 1_000_000))
      },
      .sum("wrong answers", wrong),
    ],
    bounds: [
      Bound("10⁴ parameters, one at once: p50, a switch more (µs)", .atMost(20), .ours),
      Bound("10⁷ parameters, one at once: p50, twelve switches over one", .atMost(1.35), .ours),
      Bound("10⁵ parameters, twelve switches: rate, 16 at once over one", .atLeast(1), .ours),
      Bound("three switches, one at once: p50, 10⁷ parameters over 10⁶", .atMost(15), .ours),
      Bound("wrong answers", .atMost(0), .ours),
    ],
    plots: [.bars("An inference, p50", p50, scale: .logarithmic)])
}

/// A network of twelve dense layers over some switches.
struct ScaledFabric {
  private static let inputs = 64
  private static let layers = 12
  private static let outputs = 10
  private static let different = 32
  private static let most = 256
  private static let seed: UInt64 = 12

  private let file: SnapshotFile
  private let rows: [[Int64]]

  /// - Parameter parameters: weights and biases, about.
  init(parameters: Int) throws {
    // 10 n² + (64 + 11 + 10) n + 10 of n neurons.
    let linear = Double(Self.inputs + Self.layers - 1 + Self.outputs)
    let quadratic = Double(Self.layers - 2)
    let root = (linear * linear + 4 * quadratic * Double(parameters - Self.outputs)).squareRoot()
    let width = max(Int(((root - linear) / (2 * quadratic)).rounded()), 1)
    var random = SeededGenerator(seed: Self.seed)
    let sizes = [Self.inputs] + Array(repeating: width, count: Self.layers - 1) + [Self.outputs]
    var layers: [Layer] = []
    for (inputs, outputs) in zip(sizes, sizes.dropFirst()) {
      if !layers.isEmpty { layers.append(.activation(.relu)) }
      let reach = (6 / Double(inputs)).squareRoot()
      func draw(_ count: Int) -> [Float] { (0..<count).map { _ in Float((random.unit() * 2 - 1) * reach) } }
      layers.append(
        .dense(
          Dense(inputs: inputs, outputs: outputs, weights: draw(inputs * outputs), bias: draw(outputs))))
    }
    let network = try Network(
      name: "twelve-layers", inputShape: TensorShape([Self.inputs]), layers: layers)
    let samples = (0..<64).map { _ in (0..<Self.inputs).map { _ in Float(random.unit()) } }
    let quantizer = Quantizer(QuantizerOptions(scheme: .w8a8))
    file = try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples)))
    let shape = file.snapshot.shape
    rows = samples.prefix(Self.different).map { shape.fixedPoint($0) }
  }

  func measure(switches: Int, window: Int, seconds: Double) throws -> Reading {
    var constraints = PlacementConstraints()
    for layer in 0..<Self.layers {
      constraints.pinned["dense\(layer + 1)"] = ["leaf\(layer * switches / Self.layers + 1)"]
    }
    let fabric = try StudyFabric(
      file, leaves: switches, spines: 2, slots: window, clients: 1, constraints: constraints)
    let client = try FabricClient(fabric.names)
    let reference = ReferenceInterpreter(file.snapshot)
    let expected = rows.map { reference.run(features: $0) }
    var times: [Double] = []
    var wrong = 0
    let batch = (0..<Self.most).map { rows[$0 % rows.count] }
    _ = try client.infer(Array(batch.prefix(Self.different)), window: window)
    let started = ContinuousClock.now
    while ContinuousClock.now - started < .seconds(seconds) {
      let answers = try client.infer(batch, window: window)
      wrong += answers.enumerated().count { $0.element.outputs != expected[$0.offset % expected.count] }
      times += answers.map { $0.time / .microseconds(1) }
    }
    var reading = FabricBench.times(
      times, perSecond: Double(times.count) / ((ContinuousClock.now - started) / .seconds(1)))
    reading[FabricScale.wrong] = Double(wrong)
    return reading
  }
}
