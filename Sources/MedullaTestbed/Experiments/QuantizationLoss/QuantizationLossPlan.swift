import MedullaSnapshot

/// Networks, output scales and integer schemes of the experiment `fig7`.
public struct QuantizationLossPlan: ExperimentPlan {
  /// Names of `ComparedNetwork`.
  public var networks = ComparedNetwork.Kind.allCases.map(\.rawValue)
  /// Pairs of an ONNX file and its calibration samples, with a comma between them.
  public var files: [String] = []
  /// Steps of the output's unit that an integer output has, as powers of two: 10 bits are 1,024.
  public var outputBits = [0, 2, 3, 5, 7, 10, 13, 16]
  public var schemes = QuantizationScheme.allCases.map(\.rawValue)
  /// Samples of networks that are not shipped.
  public var samples = 4_000
  /// Seeds of random weights, where a network has no trained ones.
  public var repeats = 5
  public var seed: UInt64 = 1

  public init() {}

  public static var quick: QuantizationLossPlan {
    var plan = QuantizationLossPlan()
    plan.outputBits = [0, 5, 10, 16]
    plan.samples = 1_000
    plan.repeats = 2
    return plan
  }

  public var isComplete: Bool {
    let full = QuantizationLossPlan()
    return full.networks.allSatisfy(networks.contains) && full.outputBits.allSatisfy(outputBits.contains)
      && full.schemes.allSatisfy(schemes.contains) && samples >= full.samples && repeats >= full.repeats
  }

  public var runCount: Int {
    let drawn = networks.reduce(0) { sum, name in
      sum + (ComparedNetwork.Kind(rawValue: name)?.isDrawn == true ? repeats : 1)
    }
    return (drawn + files.count) * schemes.count * outputBits.count
  }

  public func validate() throws {
    try require(
      networks.allSatisfy { ComparedNetwork.Kind(rawValue: $0) != nil } && networks.count + files.count > 0,
      "A network of the plan is not known.",
      remedy: "Use \(ComparedNetwork.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
    try require(
      schemes.allSatisfy { QuantizationScheme(rawValue: $0) != nil } && !schemes.isEmpty,
      "An integer scheme of the plan is not known.",
      remedy: "Use \(QuantizationScheme.allCases.map(\.rawValue).joined(separator: ", ")).")
    try require(
      !outputBits.isEmpty && outputBits.allSatisfy { (0...24).contains($0) },
      "Output scales are out of range.", remedy: "Use 0 to 24 bits.")
    try require(
      (100...100_000).contains(samples) && (1...100).contains(repeats),
      "Samples or repeats are out of range.", remedy: "Use 100 to 100,000 samples and 1 to 100 repeats.")
  }
}

/// One network in integers of one kind.
public struct QuantizationLossRun: ExperimentRun {
  public var network: String
  /// Weights and activations, such as `w8a16`.
  public var scheme: String
  public var outputBits: Int
  public var seed: UInt64
  public var parameters: Int
  /// Mean and 99th percentile of |integer − float| on samples that were kept back, over the output's range.
  public var meanLoss: Double
  public var p99Loss: Double

  /// Steps of one unit.
  public var scale: Double { Double(sign: .plus, exponent: outputBits, significand: 1) }

  public var line: String {
    "\(network.padding(16)) \(scheme.padding(7)) scale \("\(Int(scale))".indenting(6))  "
      + "mean loss \(decimal(meanLoss * 100, 4))%, p99 \(decimal(p99Loss * 100, 4))%"
  }
}
