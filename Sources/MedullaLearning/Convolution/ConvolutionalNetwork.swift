import MedullaBase

/// A network of convolutions and dense layers over images that gives one number a class, with its parameters.
package struct ConvolutionalNetwork: Sendable, Equatable {
  package static let parameterLimit = 4 << 20

  package let input: ImageShape
  package let layers: [ConvolutionalLayer]
  /// Layer by layer: weights as `Convolution` and `Dense` have them, then biases.
  package let parameters: [Float]
  let stages: [TrainingStage]

  package var classes: Int { stages.last?.outputs ?? 0 }

  /// Weights and biases uniform within ± 1 / √(inputs of an output), as PyTorch's layers begin
  /// (He et al., 2015, with a slope of √5).
  ///
  /// - Throws: `shapeMismatch` that names the layer which does not fit.
  package init(input: ImageShape, layers: [ConvolutionalLayer], seed: UInt64) throws(LearningError) {
    let stages = try TrainingStage.stages(layers, input: input)
    try Self.check(stages)
    var generator = SeededGenerator(seed: seed)
    var parameters: [Float] = []
    for stage in stages {
      let bound = 1 / Double(stage.fanIn).squareRoot()
      for _ in 0..<((stage.fanIn + 1) * stage.rows) {
        parameters.append(Float(generator.uniform(-bound...bound)))
      }
    }
    self.init(input, layers, parameters, stages)
  }

  /// - Throws: `shapeMismatch` when the layers do not fit, or have another number of parameters.
  package init(
    input: ImageShape, layers: [ConvolutionalLayer], parameters: [Float]
  ) throws(LearningError) {
    let stages = try TrainingStage.stages(layers, input: input)
    try Self.check(stages)
    let count = Self.parameterCount(stages)
    guard parameters.count == count, parameters.allSatisfy(\.isFinite) else {
      throw LearningError(
        .shapeMismatch,
        "\(parameters.count) parameters are given; the layers have \(count), and each is a finite number")
    }
    self.init(input, layers, parameters, stages)
  }

  private init(
    _ input: ImageShape, _ layers: [ConvolutionalLayer], _ parameters: [Float], _ stages: [TrainingStage]
  ) {
    self.input = input
    self.layers = layers
    self.parameters = parameters
    self.stages = stages
  }

  /// The same network with other parameters, as many.
  func with(parameters: [Float]) -> ConvolutionalNetwork {
    precondition(parameters.count == self.parameters.count, "sizes differ")
    return ConvolutionalNetwork(input, layers, parameters, stages)
  }

  private static func check(_ stages: [TrainingStage]) throws(LearningError) {
    let count = parameterCount(stages)
    guard count <= parameterLimit else {
      throw LearningError(
        .shapeMismatch, "\(count) parameters; at most \(parameterLimit) are trained natively",
        remedy: "use a Python adapter or an external command for such networks")
    }
  }

  private static func parameterCount(_ stages: [TrainingStage]) -> Int {
    stages.reduce(0) { $0 + ($1.fanIn + 1) * $1.rows }
  }
}

extension TrainingStage {
  /// Inputs that one output sums over.
  var fanIn: Int {
    switch self {
    case .convolution(let stage): stage.input.channels * stage.kernel * stage.kernel
    case .dense(let stage): stage.inputs
    }
  }

  /// Outputs that have weights of their own.
  var rows: Int {
    switch self {
    case .convolution(let stage): stage.outputs
    case .dense(let stage): stage.outputs
    }
  }
}
