import MedullaBase

@testable import MedullaLearning

/// Images with labels, and a batch of them.
struct ImageSet {
  let shape: ImageShape
  var images: [[Float]]
  var labels: [Int]

  /// Normal noise; labels in turn.
  init(shape: ImageShape, classes: Int, count: Int, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    self.shape = shape
    images = (0..<count).map { _ in (0..<shape.count).map { _ in Float(generator.normal()) } }
    labels = (0..<count).map { $0 % classes }
  }

  /// Noise over a bright bar: flat, upright, or one of the two diagonals, anywhere in the image.
  static func bars(count: Int, seed: UInt64) -> ImageSet {
    let side = 14
    var set = ImageSet(
      shape: ImageShape(channels: 1, height: side, width: side), classes: 4, count: 0, seed: seed)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<count {
      let label = Int(generator.next() % 4)
      let (middleX, middleY) = (generator.uniform(5...8), generator.uniform(5...8))
      var image: [Float] = []
      for y in 0..<side {
        for x in 0..<side {
          let (dx, dy) = (Double(x) - middleX, Double(y) - middleY)
          let distance = [dy, dx, (dx - dy) * 0.7, (dx + dy) * 0.7][label]
          let isBar = abs(distance) < 1 && dx * dx + dy * dy < 25
          image.append(Float((isBar ? 1 : 0) + 0.4 * generator.normal()))
        }
      }
      set.images.append(image)
      set.labels.append(label)
    }
    return set
  }

  /// The bytes of a batch with so many of `padding` before them.
  func bytes(_ range: Range<Int>? = nil, label: LabelElement = .int64, padding: Int = 0) -> [UInt8] {
    let range = range ?? images.indices
    var bytes = [UInt8](repeating: 0, count: padding)
    for image in images[range] {
      for value in image { withUnsafeBytes(of: value) { bytes += $0 } }
    }
    for value in labels[range] {
      switch label {
      case .uint8: bytes.append(UInt8(truncatingIfNeeded: value))
      case .int32: withUnsafeBytes(of: Int32(value)) { bytes += $0 }
      case .int64: withUnsafeBytes(of: Int64(value)) { bytes += $0 }
      }
    }
    return bytes
  }

  func withBatch<Value>(
    _ range: Range<Int>? = nil, label: LabelElement = .int64, padding: Int = 0,
    _ body: (TrainingBatch) throws -> Value
  ) throws -> Value {
    let format = try BatchFormat(
      samples: (range ?? images.indices).count, shape: shape, element: .float32, label: label)
    return try bytes(range, label: label, padding: padding).withUnsafeBytes {
      try body(TrainingBatch(UnsafeRawBufferPointer(rebasing: $0[padding...]), format))
    }
  }
}
