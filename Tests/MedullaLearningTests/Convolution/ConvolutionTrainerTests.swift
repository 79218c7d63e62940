import Foundation
import MedullaBase
import MedullaModel
import Testing

@testable import MedullaLearning

@Suite("Training convolutional networks")
struct ConvolutionTrainerTests {
  static let bars: [ConvolutionalLayer] = [
    .convolution(outputs: 6, kernel: 3), .maxPool, .relu, .convolution(outputs: 8, kernel: 3),
    .channelDropout(0.25), .relu, .dense(outputs: 16), .relu, .dense(outputs: 4),
  ]

  private func network(seed: UInt64 = 7) throws -> ConvolutionalNetwork {
    try ConvolutionalNetwork(
      input: ImageShape(channels: 1, height: 14, width: 14), layers: Self.bars, seed: seed)
  }

  private func trainer(
    _ network: ConvolutionalNetwork, _ rule: DescentRule = .momentum(rate: 0.05, momentum: 0.5),
    parts: Int = 2
  ) throws -> ConvolutionTrainer {
    try ConvolutionTrainer(network, rule: rule, options: .init(seed: 3, parts: parts, scale: .asIs))
  }

  @Test("one pass over images of bars tells their direction on images not seen")
  func learns() throws {
    let set = ImageSet.bars(count: 1_600, seed: 1)
    let unseen = ImageSet.bars(count: 400, seed: 2)
    let trainer = try trainer(network())
    let before = try unseen.withBatch { try trainer.evaluate($0) }
    for start in stride(from: 0, to: 1_600, by: 16) {
      _ = try set.withBatch(start..<start + 16) { try trainer.step($0) }
    }
    let after = try unseen.withBatch { try trainer.evaluate($0) }
    #expect(before.samples == 400 && before.accuracy < 0.5, "\(before)")
    #expect(after.accuracy > 0.9, "\(after)")
    #expect(after.meanLoss < 0.5 * before.meanLoss)
  }

  @Test("the same seed gives the same bits, on one processor as on all; another seed other ones")
  func repeats() throws {
    let set = ImageSet.bars(count: 70, seed: 4)
    func parameters(seed: UInt64 = 7) throws -> [Float] {
      let trainer = try trainer(network(seed: seed))
      for _ in 0..<5 { _ = try set.withBatch { try trainer.step($0) } }
      return trainer.network.parameters
    }
    let first = try parameters()
    #expect(try parameters() == first)
    #expect(try LearningProcessors.$areAllUsed.withValue(false) { try parameters() } == first)
    #expect(try parameters(seed: 8) != first)
  }

  @Test("a batch's slopes are the mean of its samples' slopes, in however many parts", arguments: [1, 2, 5])
  func parts(parts: Int) throws {
    let layers = Self.bars.filter { $0 != .channelDropout(0.25) }
    let network = try ConvolutionalNetwork(
      input: ImageShape(channels: 1, height: 14, width: 14), layers: layers, seed: 9)
    let set = ImageSet.bars(count: 37, seed: 5)
    let trainer = try trainer(network, parts: parts)
    let whole = try set.withBatch { try trainer.slopes($0).values }
    var mean = [Double](repeating: 0, count: whole.count)
    for sample in set.images.indices {
      let slopes = try set.withBatch(sample..<sample + 1) { try trainer.slopes($0).values }
      for index in mean.indices { mean[index] += Double(slopes[index]) / 37 }
    }
    let difference = zip(whole, mean).map { abs(Double($0) - $1) }.max() ?? 1
    #expect(difference < 1e-6, "\(difference)")
    #expect((whole.map(abs).max() ?? 0) > 1e-2)
  }

  @Test("momentum keeps its share of the velocity, which the first step begins")
  func momentum() throws {
    let set = ImageSet.bars(count: 20, seed: 6)
    let (rate, momentum): (Float, Float) = (0.1, 0.75)
    let trainer = try trainer(network(), .momentum(rate: rate, momentum: momentum))
    var expected = trainer.network.parameters
    var velocity = [Float](repeating: 0, count: expected.count)
    for _ in 0..<3 {
      let slopes = try set.withBatch { try trainer.slopes($0).values }
      _ = try set.withBatch { try trainer.step($0) }
      for index in expected.indices {
        velocity[index] = momentum * velocity[index] + slopes[index]
        expected[index] -= rate * velocity[index]
      }
      let difference = zip(expected, trainer.network.parameters).map { abs($0 - $1) }.max() ?? 1
      #expect(difference < 1e-6)
    }
    #expect(trainer.steps == 3)
  }

  @Test("bytes are the numbers that they stand for, wherever a batch lies, whatever its labels are made of")
  func formats() throws {
    let network = try network()
    let set = ImageSet.bars(count: 6, seed: 7)
    var bytes = set
    for index in bytes.images.indices {
      bytes.images[index] = bytes.images[index].map { ($0 * 60 + 100).rounded().clamped(to: 0...255) }
    }
    let ofBytes = try ConvolutionTrainer(
      network, rule: .momentum(rate: 0.1, momentum: 0), options: .init(seed: 3))
    let expected = try bytes.withBatch { try ofBytes.slopes($0).values }
    for label in LabelElement.allCases {
      for padding in [0, 1, 3] {
        #expect(
          try bytes.withBatch(label: label, padding: padding) { try ofBytes.slopes($0).values } == expected)
      }
    }
    let object = bytes.images.flatMap { $0.map { UInt8($0) } } + bytes.labels.map { UInt8($0) }
    let format = try BatchFormat(samples: 6, shape: network.input, element: .uint8, label: .uint8)
    let slopes = try object.withUnsafeBytes { try ofBytes.slopes(TrainingBatch($0, format)).values }
    #expect(slopes == expected)
  }

  @Test("a trained network is stored without dropout, means the same, and comes back as it was")
  func stored() throws {
    let trained = try network()
    let stored = try trained.network(name: "bars")
    let set = ImageSet.bars(count: 50, seed: 8)
    let reference = FloatReference(stored)
    var loss = 0.0
    for (image, label) in zip(set.images, set.labels) {
      let outputs = try reference.run(image).map(Double.init)
      loss += log(outputs.reduce(0) { $0 + exp($1) }) - outputs[label]
    }
    let trainer = try trainer(trained)
    let outcome = try set.withBatch { try trainer.evaluate($0) }
    #expect(abs(outcome.loss - loss) < 1e-3)
    let back = try ConvolutionalNetwork(stored)
    #expect(back.parameters == trained.parameters)
    #expect(back.layers == Self.bars.filter { $0 != .channelDropout(0.25) })
  }

  @Test("as many values are dropped as asked for, others in each step, and none when a network is used")
  func dropout() throws {
    let draws = 200_000
    for share in [Float(0.1), 0.5, 0.9] {
      var dropped = 0
      for sample in 0..<(draws / 20) {
        var draw = DropoutDraw(seed: 11, step: sample % 100, sample: sample / 100, stage: 1)
        for _ in 0..<20 where !draw.keeps(dropping: share) { dropped += 1 }
      }
      let deviation = (Double(draws) * Double(share) * Double(1 - share)).squareRoot()
      #expect(abs(Double(dropped) - Double(draws) * Double(share)) < 4.5 * deviation, "\(share): \(dropped)")
    }
    let set = ImageSet.bars(count: 30, seed: 9)
    let trainer = try trainer(network(), .momentum(rate: 1e-12, momentum: 0))
    let used = try set.withBatch { try trainer.evaluate($0) }
    let first = try set.withBatch { try trainer.step($0) }
    let second = try set.withBatch { try trainer.step($0) }
    #expect(first.loss != second.loss)
    #expect(first.loss != used.loss)
    #expect(try set.withBatch { try trainer.evaluate($0) }.loss == used.loss)
  }

  static let unfit: [([ConvolutionalLayer], String)] = [
    ([.relu, .dense(outputs: 2)], "the first layer"),
    ([.convolution(outputs: 2, kernel: 15), .dense(outputs: 2)], "does not fit"),
    ([.convolution(outputs: 2, kernel: 3), .maxPool], "ends with a dense layer"),
    ([.convolution(outputs: 2, kernel: 3), .maxPool, .maxPool, .dense(outputs: 2)], "cannot follow"),
    ([.convolution(outputs: 2, kernel: 3), .dropout(0.5), .dense(outputs: 2)], "cannot follow"),
    (
      [.dense(outputs: 8), .convolution(outputs: 2, kernel: 1), .dense(outputs: 2)], "no convolution follows"
    ),
    ([.dense(outputs: 8), .dropout(1), .dense(outputs: 2)], "less than 1"),
    ([.dense(outputs: 0)], "1 to 4096 outputs"),
    ([.dense(outputs: 2), .relu], "ends with a dense layer"),
  ]

  @Test("layers that cannot be trained are named", arguments: unfit)
  func misfits(layers: [ConvolutionalLayer], words: String) throws {
    let error = #expect(throws: LearningError.self) {
      try ConvolutionalNetwork(
        input: ImageShape(channels: 1, height: 14, width: 14), layers: layers, seed: 1)
    }
    #expect(error?.code == .shapeMismatch)
    #expect(error?.description.contains(words) == true, "\(String(describing: error))")
  }

  @Test("labels that are no class, other shapes and sizes are refused, and nothing is learned of them")
  func malformed() throws {
    let trainer = try trainer(network())
    let before = trainer.network
    var set = ImageSet.bars(count: 5, seed: 10)
    for label in [4, -1] {
      set.labels[3] = label
      let error = #expect(throws: LearningError.self) { try set.withBatch { try trainer.step($0) } }
      #expect(error?.code == .malformedBatch && error?.message.contains("sample 3") == true)
    }
    let other = ImageSet(
      shape: ImageShape(channels: 1, height: 7, width: 28), classes: 2, count: 2, seed: 1)
    #expect(throws: LearningError.self) { try other.withBatch { try trainer.step($0) } }
    let format = try BatchFormat(samples: 3, shape: set.shape, element: .uint8, label: .uint8)
    #expect(throws: LearningError.self) {
      try [UInt8](repeating: 0, count: format.byteCount - 1).withUnsafeBytes {
        _ = try TrainingBatch($0, format)
      }
    }
    #expect(throws: LearningError.self) {
      try BatchFormat(samples: 0, shape: set.shape, element: .uint8, label: .uint8)
    }
    #expect(trainer.network == before && trainer.steps == 0)
  }

  @Test("a training that diverges says so at the step, and what was learned before stays")
  func diverges() throws {
    let set = ImageSet.bars(count: 8, seed: 11)
    let trainer = try trainer(network(), .momentum(rate: 1e20, momentum: 0))
    _ = try set.withBatch { try trainer.step($0) }
    let error = #expect(throws: LearningError.self) {
      for _ in 0..<5 { _ = try set.withBatch { try trainer.step($0) } }
    }
    #expect(error?.code == .diverged)
    #expect(throws: LearningError.self) { try self.trainer(network(), .momentum(rate: -1, momentum: 0)) }
    #expect(throws: LearningError.self) { try self.trainer(network(), parts: 0) }
  }
}

extension Float {
  fileprivate func clamped(to range: ClosedRange<Float>) -> Float {
    Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}
