/// A layer with weights and what follows it up to the next: what is computed in one go.
enum TrainingStage: Hashable, Sendable {
  case convolution(ConvolutionStage)
  case dense(DenseStage)

  var outputs: Int {
    switch self {
    case .convolution(let stage): stage.result.count
    case .dense(let stage): stage.outputs
    }
  }
}

/// Pooling, ReLU and dropout of channels after a convolution may come in any order: each of them keeps the
/// order of numbers of one channel, so that the result is the same.
struct ConvolutionStage: Hashable, Sendable {
  var input: ImageShape
  var outputs: Int
  var kernel: Int
  var pools = false
  var rectifies = false
  var dropout: Float?

  var outHeight: Int { input.height - kernel + 1 }
  var outWidth: Int { input.width - kernel + 1 }

  /// After pooling.
  var result: ImageShape {
    let window = pools ? 2 : 1
    return ImageShape(channels: outputs, height: outHeight / window, width: outWidth / window)
  }
}

struct DenseStage: Hashable, Sendable {
  var inputs: Int
  var outputs: Int
  var rectifies = false
  var dropout: Float?
}

extension TrainingStage {
  /// The most of anything that is trained natively.
  static let valueLimit = 1 << 20
  static let widthLimit = 4_096
  static let kernelLimit = 31
  static let layerLimit = 64

  /// - Throws: `shapeMismatch` that names the layer which does not fit.
  static func stages(
    _ layers: [ConvolutionalLayer], input: ImageShape
  ) throws(LearningError) -> [TrainingStage] {
    let sizes = [input.channels, input.height, input.width]
    guard sizes.allSatisfy({ $0 > 0 && $0 <= widthLimit }), input.count <= valueLimit else {
      throw LearningError(.shapeMismatch, "images of \(sizes) values cannot be trained on")
    }
    guard layers.count <= layerLimit else {
      throw LearningError(
        .shapeMismatch, "\(layers.count) layers; at most \(layerLimit) are trained natively")
    }
    var stages: [TrainingStage] = []
    for (index, layer) in layers.enumerated() {
      switch layer {
      case .convolution(let outputs, let kernel):
        stages.append(try convolution(after: stages.last, input, outputs, kernel, index))
      case .dense(let outputs):
        let inputs = stages.last?.outputs ?? input.count
        guard outputs > 0, outputs <= widthLimit else {
          throw refusal(index, "a dense layer has 1 to \(widthLimit) outputs, not \(outputs)")
        }
        stages.append(.dense(DenseStage(inputs: inputs, outputs: outputs)))
      case .maxPool, .relu, .channelDropout, .dropout:
        guard let last = stages.popLast() else {
          throw refusal(index, "the first layer is a convolution or a dense layer")
        }
        stages.append(try last.adding(layer, index))
      }
    }
    guard case .dense(let last)? = stages.last, !last.rectifies, last.dropout == nil else {
      throw LearningError(
        .shapeMismatch, "a network that is trained to classify ends with a dense layer, one output a class")
    }
    return stages
  }

  private static func convolution(
    after last: TrainingStage?, _ image: ImageShape, _ outputs: Int, _ kernel: Int, _ index: Int
  ) throws(LearningError) -> TrainingStage {
    var input = image
    switch last {
    case .convolution(let stage): input = stage.result
    case .dense: throw refusal(index, "no convolution follows a dense layer")
    case nil: break
    }
    guard kernel > 0, kernel <= min(kernelLimit, input.height, input.width) else {
      throw refusal(
        index,
        "a kernel of \(kernel) does not fit into \(input.height) × \(input.width), or is larger than "
          + "\(kernelLimit)")
    }
    let stage = ConvolutionStage(input: input, outputs: outputs, kernel: kernel)
    guard outputs > 0, outputs <= widthLimit, stage.result.count <= valueLimit else {
      throw refusal(index, "\(outputs) output channels; 1 to \(widthLimit) and \(valueLimit) values can be")
    }
    return .convolution(stage)
  }

  private func adding(_ layer: ConvolutionalLayer, _ index: Int) throws(LearningError) -> TrainingStage {
    switch (self, layer) {
    case (.convolution(var stage), .maxPool) where !stage.pools && min(stage.outHeight, stage.outWidth) > 1:
      stage.pools = true
      return .convolution(stage)
    case (.convolution(var stage), .relu):
      stage.rectifies = true
      return .convolution(stage)
    case (.convolution(var stage), .channelDropout(let share)) where stage.dropout == nil:
      stage.dropout = try Self.share(share, index)
      return .convolution(stage)
    case (.dense(var stage), .relu):
      stage.rectifies = true
      return .dense(stage)
    case (.dense(var stage), .dropout(let share)) where stage.dropout == nil:
      stage.dropout = try Self.share(share, index)
      return .dense(stage)
    default:
      throw Self.refusal(
        index,
        "\(layer) cannot follow here: after a convolution come one pooling, one dropout of channels and "
          + "ReLU, after a dense layer ReLU and one dropout")
    }
  }

  private static func share(_ share: Float, _ index: Int) throws(LearningError) -> Float {
    guard share >= 0, share < 1 else {
      throw refusal(index, "dropout with probability \(share); 0 or more and less than 1 can be")
    }
    return share
  }

  private static func refusal(_ index: Int, _ what: String) -> LearningError {
    LearningError(.shapeMismatch, "layer \(index) cannot be trained natively: \(what)")
  }
}
