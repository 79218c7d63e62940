/// What the samples of a batch are made of.
package enum SampleElement: String, Sendable, CaseIterable {
  case uint8, float32

  package var bytes: Int { self == .uint8 ? 1 : 4 }
}

/// What the labels of a batch are made of, little-endian.
package enum LabelElement: String, Sendable, CaseIterable {
  case uint8, int32, int64

  package var bytes: Int {
    switch self {
    case .uint8: 1
    case .int32: 4
    case .int64: 8
    }
  }
}

/// What the bytes of a batch are: samples, channel by channel, then a label for each.
package struct BatchFormat: Hashable, Sendable {
  package static let sampleLimit = 1 << 20

  package let samples: Int
  package let shape: ImageShape
  package let element: SampleElement
  package let label: LabelElement

  /// - Throws: `invalidOption` when it has no samples or more than `sampleLimit`.
  package init(
    samples: Int, shape: ImageShape, element: SampleElement, label: LabelElement
  ) throws(LearningError) {
    guard samples > 0, samples <= Self.sampleLimit else {
      throw LearningError(.invalidOption, "a batch has 1 to \(Self.sampleLimit) samples, not \(samples)")
    }
    self.samples = samples
    self.shape = shape
    self.element = element
    self.label = label
  }

  package var labelOffset: Int { samples * shape.count * element.bytes }
  package var byteCount: Int { labelOffset + samples * label.bytes }
}

/// Samples and labels somewhere in memory, valid as long as that is.
package struct TrainingBatch {
  package let format: BatchFormat
  let samples: UnsafeRawPointer
  let labels: UnsafeRawPointer

  /// - Throws: `malformedBatch` when the bytes are not as many as the format has.
  package init(_ bytes: UnsafeRawBufferPointer, _ format: BatchFormat) throws(LearningError) {
    guard bytes.count == format.byteCount, let start = bytes.baseAddress else {
      throw LearningError(
        .malformedBatch,
        "a batch of \(format.samples) samples has \(format.byteCount) bytes, and \(bytes.count) were given")
    }
    self.format = format
    samples = start
    labels = start + format.labelOffset
  }

  func label(_ sample: Int) -> Int {
    let start = labels + sample * format.label.bytes
    switch format.label {
    case .uint8: return Int(start.load(as: UInt8.self))
    case .int32: return Int(Int32(littleEndian: start.loadUnaligned(as: Int32.self)))
    case .int64: return Int(Int64(littleEndian: start.loadUnaligned(as: Int64.self)))
    }
  }

  /// - Throws: `malformedBatch` when a label is no class, or the shape is another than the network's.
  func check(_ network: ConvolutionalNetwork) throws(LearningError) {
    guard format.shape == network.input else {
      throw LearningError(
        .malformedBatch, "the batch has samples of \(format.shape), the network takes \(network.input)")
    }
    for sample in 0..<format.samples where !(0..<network.classes).contains(label(sample)) {
      throw LearningError(
        .malformedBatch,
        "sample \(sample) has label \(label(sample)); the network has \(network.classes) classes")
    }
  }
}

/// What came of a batch: the sum of the samples' losses, and how many the network had right.
package struct BatchOutcome: Hashable, Sendable {
  package var samples = 0
  package var loss = 0.0
  package var correct = 0

  package init() {}

  init(samples: Int, loss: Double, correct: Int) {
    self.samples = samples
    self.loss = loss
    self.correct = correct
  }

  package var meanLoss: Double { samples == 0 ? 0 : loss / Double(samples) }
  package var accuracy: Double { samples == 0 ? 0 : Double(correct) / Double(samples) }

  package static func += (left: inout BatchOutcome, right: BatchOutcome) {
    left.samples += right.samples
    left.loss += right.loss
    left.correct += right.correct
  }
}
