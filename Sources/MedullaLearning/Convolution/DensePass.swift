import CMedullaLearning

/// One dense layer's working memory for the samples of a tile.
final class DensePass {
  /// From one sample's results to the next's.
  let stride: Int
  let results: NumberBuffer
  /// Of the results.
  let slopes: NumberBuffer
  private let index: Int
  private let stage: DenseStage
  private let layout: ParameterLayout.Stage
  private let scale: Float
  /// What each result was multiplied with: 0 or the scale.
  private let factors: NumberBuffer?

  init(_ stage: DenseStage, index: Int, layout: ParameterLayout.Stage, tile: Int) {
    self.stage = stage
    self.index = index
    self.layout = layout
    stride = ParameterLayout.wholeVectors(stage.outputs)
    results = NumberBuffer(tile * stride)
    slopes = NumberBuffer(tile * stride)
    scale = 1 / (1 - (stage.dropout ?? 0))
    factors = stage.dropout == nil ? nil : NumberBuffer(tile * stride)
  }

  func forward(
    _ inputs: UnsafePointer<Float>, stride inputStride: Int, samples: Int, parameters: UnsafePointer<Float>
  ) {
    learning_dense(
      inputs, learning_rows(count: Int32(samples), width: Int32(stage.inputs), stride: Int32(inputStride)),
      parameters + layout.weights, rows(stage.outputs), parameters + layout.bias, results.start,
      Int32(stride))
    guard stage.rectifies else { return }
    for sample in 0..<samples {
      let row = results.start + sample * stride
      for output in 0..<stage.outputs { row[output] = max(row[output], 0) }
    }
  }

  /// After `forward`, while training.
  func drop(samples: Int, draw: (_ sample: Int, _ stage: Int) -> DropoutDraw) {
    guard let dropout = stage.dropout, let factors else { return }
    for sample in 0..<samples {
      var draw = draw(sample, index)
      let row = results.start + sample * stride
      let factor = factors.start + sample * stride
      for output in 0..<stage.outputs {
        factor[output] = draw.keeps(dropping: dropout) ? scale : 0
        row[output] *= factor[output]
      }
    }
  }

  /// With `slopes` set: adds to those of the parameters and, where asked for, writes those of the inputs.
  func backward(
    _ inputs: UnsafePointer<Float>, stride inputStride: Int, samples: Int, parameters: UnsafePointer<Float>,
    into gradient: UnsafeMutablePointer<Float>, inputSlopes: UnsafeMutablePointer<Float>?
  ) {
    for sample in 0..<samples {
      let row = results.start + sample * stride
      let slope = slopes.start + sample * stride
      if stage.rectifies { for output in 0..<stage.outputs where row[output] <= 0 { slope[output] = 0 } }
      if let factors {
        for output in 0..<stage.outputs { slope[output] *= factors.start[sample * stride + output] }
      }
      let bias = gradient + layout.bias
      for output in 0..<stage.outputs { bias[output] += slope[output] }
    }
    learning_combine(
      slopes.start, Int32(stage.outputs), 1, Int32(stride), inputs,
      learning_rows(count: Int32(samples), width: Int32(stage.inputs), stride: Int32(inputStride)), 1,
      gradient + layout.weights, Int32(layout.stride))
    guard let inputSlopes else { return }
    learning_combine(
      slopes.start, Int32(samples), Int32(stride), 1, parameters + layout.weights, rows(stage.outputs), 0,
      inputSlopes, Int32(inputStride))
  }

  private func rows(_ count: Int) -> learning_rows {
    learning_rows(count: Int32(count), width: Int32(stage.inputs), stride: Int32(layout.stride))
  }
}
