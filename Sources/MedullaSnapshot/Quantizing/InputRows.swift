/// The input vectors of one group of a linear layer over calibration.
protocol InputRows {
  /// Values of one vector.
  var terms: Int { get }
  /// Vectors: one for each sample and position.
  var count: Int { get }

  /// The sum of every term over all vectors, exactly.
  func sums() -> [Double]

  /// Writes the vector at `index` into `row`, which holds `terms` values.
  func read(_ index: Int, into row: UnsafeMutableBufferPointer<Double>)
}

/// A dense layer reads each sample's tensor as it is.
struct TensorRows: InputRows {
  let samples: [[Int64]]
  let terms: Int

  var count: Int { samples.count }

  func sums() -> [Double] {
    var sums = [Int64](repeating: 0, count: terms)
    for sample in samples {
      for term in 0..<terms { sums[term] += sample[term] }
    }
    return sums.map(Double.init)
  }

  func read(_ index: Int, into row: UnsafeMutableBufferPointer<Double>) {
    let sample = samples[index]
    for term in 0..<terms { row[term] = Double(sample[term]) }
  }
}

/// A convolution reads a window of its group's channels at every position.
struct PatchRows: InputRows {
  let samples: [[Int64]]
  let step: ConvolutionStep
  let group: Int

  var terms: Int { step.fanIn }
  var count: Int { samples.count * positions }

  private var positions: Int { step.outputHeight * step.outputWidth }
  private var channels: Int { step.inputChannels / step.groups }

  func sums() -> [Double] {
    var sums = [Int64](repeating: 0, count: terms)
    sums.withUnsafeMutableBufferPointer { sums in
      for sample in samples {
        sample.withUnsafeBufferPointer { x in
          forEachTap { term, tap in
            var sum: Int64 = 0
            for row in 0..<step.outputHeight {
              let from = tap + row * step.strides.height * step.width
              for column in 0..<step.outputWidth { sum &+= x[from + column * step.strides.width] }
            }
            sums[term] += sum
          }
        }
      }
    }
    return sums.map(Double.init)
  }

  func read(_ index: Int, into row: UnsafeMutableBufferPointer<Double>) {
    let (sample, position) = index.quotientAndRemainder(dividingBy: positions)
    let (y, x) = position.quotientAndRemainder(dividingBy: step.outputWidth)
    let corner = y * step.strides.height * step.width + x * step.strides.width
    samples[sample].withUnsafeBufferPointer { values in
      forEachTap { term, tap in row[term] = Double(values[tap + corner]) }
    }
  }

  /// Every term with the place in the tensor where the window at the origin reads it.
  @inline(__always)
  private func forEachTap(_ body: (_ term: Int, _ tap: Int) -> Void) {
    var term = 0
    for channel in group * channels..<(group + 1) * channels {
      for ky in 0..<step.kernel.height {
        let line = (channel * step.height + ky * step.dilations.height) * step.width
        for kx in 0..<step.kernel.width {
          body(term, line + kx * step.dilations.width)
          term += 1
        }
      }
    }
  }
}
