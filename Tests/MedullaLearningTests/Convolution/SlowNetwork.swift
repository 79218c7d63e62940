import MedullaBase

@testable import MedullaLearning

/// The layers one by one, in double precision, each as its definition says: what the trainer is compared
/// with. It shares only the draws of dropout with it.
struct SlowNetwork {
  let network: ConvolutionalNetwork
  var parameters: [Double]
  /// nil: as the network is used.
  var draw: ((_ sample: Int, _ stage: Int) -> DropoutDraw)?

  init(_ network: ConvolutionalNetwork, draw: ((Int, Int) -> DropoutDraw)? = nil) {
    self.network = network
    self.draw = draw
    parameters = network.parameters.map(Double.init)
  }

  /// The mean cross-entropy of the samples.
  func loss(_ images: [[Double]], _ labels: [Int]) -> Double {
    var sum = 0.0
    for (sample, image) in images.enumerated() {
      let outputs = outputs(image, sample: sample)
      let largest = outputs.max() ?? 0
      let total = outputs.reduce(0) { $0 + exp($1 - largest) }
      sum += log(total) + largest - outputs[labels[sample]]
    }
    return sum / Double(images.count)
  }

  func outputs(_ image: [Double], sample: Int) -> [Double] {
    var values = image
    var shape = network.input
    var next = 0
    var stage = -1
    for layer in network.layers {
      switch layer {
      case .convolution(let outputs, let kernel):
        values = convolve(values, shape, outputs, kernel, &next)
        shape = ImageShape(
          channels: outputs, height: shape.height - kernel + 1, width: shape.width - kernel + 1)
        stage += 1
      case .maxPool:
        values = pool(values, shape)
        shape = ImageShape(channels: shape.channels, height: shape.height / 2, width: shape.width / 2)
      case .relu: values = values.map { max($0, 0) }
      case .dense(let outputs):
        let start = next
        next += (values.count + 1) * outputs
        values = (0..<outputs).map { output in
          let weights = start + output * values.count
          return values.indices.reduce(parameters[start + outputs * values.count + output]) {
            $0 + parameters[weights + $1] * values[$1]
          }
        }
        stage += 1
      case .channelDropout(let share): drop(&values, shape.height * shape.width, share, sample, stage)
      case .dropout(let share): drop(&values, 1, share, sample, stage)
      }
    }
    return values
  }

  private func convolve(
    _ values: [Double], _ shape: ImageShape, _ outputs: Int, _ kernel: Int, _ next: inout Int
  ) -> [Double] {
    let (height, width) = (shape.height - kernel + 1, shape.width - kernel + 1)
    let count = shape.channels * kernel * kernel
    var result: [Double] = []
    for output in 0..<outputs {
      for y in 0..<height {
        for x in 0..<width {
          var sum = parameters[next + outputs * count + output]
          for place in 0..<count {
            let (channel, row, column) = (place / kernel / kernel, place / kernel % kernel, place % kernel)
            sum +=
              parameters[next + output * count + place]
              * values[(channel * shape.height + y + row) * shape.width + x + column]
          }
          result.append(sum)
        }
      }
    }
    next += outputs * (count + 1)
    return result
  }

  private func pool(_ values: [Double], _ shape: ImageShape) -> [Double] {
    var result: [Double] = []
    for channel in 0..<shape.channels {
      for y in 0..<shape.height / 2 {
        for x in 0..<shape.width / 2 {
          let first = (channel * shape.height + 2 * y) * shape.width + 2 * x
          result.append(
            [first, first + 1, first + shape.width, first + shape.width + 1].map { values[$0] }.max() ?? 0)
        }
      }
    }
    return result
  }

  private func drop(_ values: inout [Double], _ size: Int, _ share: Float, _ sample: Int, _ stage: Int) {
    guard var draw = draw?(sample, stage) else { return }
    for start in stride(from: 0, to: values.count, by: size) {
      let factor = draw.keeps(dropping: share) ? 1 / (1 - Double(share)) : 0
      for index in start..<start + size { values[index] *= factor }
    }
  }
}

#if canImport(Glibc)
import Glibc
#endif
