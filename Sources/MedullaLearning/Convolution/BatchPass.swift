import CMedullaLearning

/// How the values of a sample become a network's inputs: value · scale + offset.
package struct InputScale: Hashable, Sendable {
  package var scale: Float
  package var offset: Float

  package init(scale: Float, offset: Float = 0) {
    self.scale = scale
    self.offset = offset
  }

  /// 8 bits as 0…1.
  package static let bytes = InputScale(scale: 1 / 255)
  package static let asIs = InputScale(scale: 1)
}

/// What one thread computes of a batch, and its working memory.
///
/// Samples go through in tiles that are small enough for the processor's second cache with all that must be
/// remembered of them; so memory does not depend on the batch either.
final class BatchPass {
  static let tile = 8

  /// What is dropped, and what a slope of the loss counts.
  struct Step {
    var seed: UInt64
    var number: Int
    var weight: Float
  }

  private let convolutions: [ConvolutionPass]
  private let dense: [DensePass]
  private let inputs: NumberBuffer
  private let inputStride: Int
  private let flatSlopes: NumberBuffer
  private let scale: InputScale
  private let classes: Int

  init(_ network: ConvolutionalNetwork, layout: ParameterLayout, scale: InputScale) {
    self.scale = scale
    classes = network.classes
    inputStride = ParameterLayout.wholeVectors(network.input.count)
    inputs = NumberBuffer(Self.tile * inputStride)
    var convolutions: [ConvolutionPass] = []
    var dense: [DensePass] = []
    for (index, stage) in network.stages.enumerated() {
      let own = layout.stages[index]
      switch stage {
      case .convolution(let stage):
        convolutions.append(ConvolutionPass(stage, index: index, layout: own, tile: Self.tile))
      case .dense(let stage):
        dense.append(DensePass(stage, index: index, layout: own, tile: Self.tile))
      }
    }
    self.convolutions = convolutions
    self.dense = dense
    flatSlopes = NumberBuffer(Self.tile * (convolutions.last?.stride ?? 0))
  }

  /// The outcome of some samples; with a `step`, also adds their slopes to `gradient`.
  func run(
    _ batch: TrainingBatch, _ range: Range<Int>, parameters: UnsafePointer<Float>, step: Step? = nil,
    gradient: UnsafeMutablePointer<Float>? = nil
  ) -> BatchOutcome {
    var outcome = BatchOutcome()
    for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.tile) {
      let tile = first..<min(first + Self.tile, range.upperBound)
      load(batch, tile)
      forward(tile, parameters, step)
      outcome += compare(batch, tile, weight: step?.weight ?? 0)
      if let gradient { backward(tile.count, parameters, gradient) }
    }
    return outcome
  }

  private func load(_ batch: TrainingBatch, _ tile: Range<Int>) {
    let values = batch.format.shape.count
    for (place, sample) in tile.enumerated() {
      let numbers = inputs.start + place * inputStride
      let start = batch.samples + sample * values * batch.format.element.bytes
      switch batch.format.element {
      case .uint8:
        let bytes = start.assumingMemoryBound(to: UInt8.self)
        learning_numbers_of_bytes(bytes, Int32(values), scale.scale, scale.offset, numbers)
      case .float32:
        learning_numbers_of_floats(start, Int32(values), scale.scale, scale.offset, numbers)
      }
    }
  }

  private func forward(_ tile: Range<Int>, _ parameters: UnsafePointer<Float>, _ step: Step?) {
    for sample in 0..<tile.count {
      var draw: ((Int) -> DropoutDraw)?
      if let step {
        draw = {
          DropoutDraw(seed: step.seed, step: step.number, sample: tile.lowerBound + sample, stage: $0)
        }
      }
      for (index, convolution) in convolutions.enumerated() {
        convolution.forward(
          input(of: index, sample), sample: sample, parameters: parameters, draw: draw)
      }
    }
    for (index, layer) in dense.enumerated() {
      let (inputs, stride) = denseInput(index)
      layer.forward(inputs, stride: stride, samples: tile.count, parameters: parameters)
      guard let step else { continue }
      layer.drop(samples: tile.count) { sample, stage in
        DropoutDraw(seed: step.seed, step: step.number, sample: tile.lowerBound + sample, stage: stage)
      }
    }
  }

  /// Losses, and their slopes by the last layer's results.
  private func compare(_ batch: TrainingBatch, _ tile: Range<Int>, weight: Float) -> BatchOutcome {
    var outcome = BatchOutcome()
    guard let last = dense.last else { return outcome }
    for (place, sample) in tile.enumerated() {
      let row = UnsafeBufferPointer(start: last.results.start + place * last.stride, count: classes)
      let slope = last.slopes.start + place * last.stride
      let label = batch.label(sample)
      var best = 0
      for index in 1..<max(classes, 1) where row[index] > row[best] { best = index }
      var sum: Float = 0
      for index in 0..<classes {
        slope[index] = Float.exponential(row[index] - row[best])
        sum += slope[index]
      }
      for index in 0..<classes { slope[index] *= weight / sum }
      slope[label] -= weight
      outcome += BatchOutcome(
        samples: 1, loss: Double(sum.logarithm - (row[label] - row[best])), correct: best == label ? 1 : 0)
    }
    return outcome
  }

  private func backward(
    _ samples: Int, _ parameters: UnsafePointer<Float>, _ gradient: UnsafeMutablePointer<Float>
  ) {
    for (index, layer) in dense.enumerated().reversed() {
      let (inputs, stride) = denseInput(index)
      let below = index > 0 ? dense[index - 1].slopes : convolutions.isEmpty ? nil : flatSlopes
      layer.backward(
        inputs, stride: stride, samples: samples, parameters: parameters, into: gradient,
        inputSlopes: below?.start)
    }
    guard let last = convolutions.last else { return }
    for sample in 0..<samples {
      var slopes = UnsafePointer(flatSlopes.start + sample * last.stride)
      var (channelStep, placeStep) = (last.places, 1)
      for (index, convolution) in convolutions.enumerated().reversed() {
        convolution.backward(
          input(of: index, sample), sample: sample, parameters: parameters, slopes: slopes,
          channelStep: channelStep, placeStep: placeStep, into: gradient, needsInputSlopes: index > 0)
        slopes = UnsafePointer(convolution.inputSlopes.start)
        (channelStep, placeStep) = (1, Int(convolution.shape.channels))
      }
    }
  }

  private func input(of convolution: Int, _ sample: Int) -> UnsafePointer<Float> {
    guard convolution > 0 else { return UnsafePointer(inputs.start + sample * inputStride) }
    let below = convolutions[convolution - 1]
    return UnsafePointer(below.results.start + sample * below.stride)
  }

  private func denseInput(_ index: Int) -> (UnsafePointer<Float>, stride: Int) {
    if index > 0 { return (UnsafePointer(dense[index - 1].results.start), dense[index - 1].stride) }
    guard let last = convolutions.last else { return (UnsafePointer(inputs.start), inputStride) }
    return (UnsafePointer(last.results.start), last.stride)
  }
}
