extension Convolution {
  /// ONNX `Conv`: out[o, y, x] = b[o] + Σ W[o, c, i, j] · in[g(o) + c, y·s + i·d − p, x·s + j·d − p].
  ///
  /// One weight at a time goes over a filter's whole plane of sums, so each sum still takes its terms in the
  /// order c, i, j.
  func evaluate(_ input: [Float], of shape: TensorShape, into next: TensorShape) -> [Float] {
    let (height, width) = (shape.dimensions[1], shape.dimensions[2])
    let (rows, columns) = (next.dimensions[1], next.dimensions[2])
    let channels = inputChannels / groups
    let filters = outputChannels / groups
    let x = input.map(Double.init)
    var sums = [Double](repeating: 0, count: rows * columns)
    var output: [Float] = []
    output.reserveCapacity(outputChannels * rows * columns)
    for filter in 0..<outputChannels {
      let firstChannel = filter / filters * channels
      sums.withUnsafeMutableBufferPointer { sums in
        sums.update(repeating: Double(bias[filter]))
        x.withUnsafeBufferPointer { x in
          for channel in 0..<channels {
            for i in 0..<kernel.height {
              let vertical = Self.inside(
                rows, offset: i * dilations.height - padding.top, stride: strides.height, length: height)
              let slice = ((filter * channels + channel) * kernel.height + i) * kernel.width
              for j in 0..<kernel.width {
                let offset = j * dilations.width - padding.left
                let horizontal = Self.inside(columns, offset: offset, stride: strides.width, length: width)
                let weight = Double(weights[slice + j])
                for row in vertical {
                  let y = row * strides.height + i * dilations.height - padding.top
                  add(
                    weight, x, from: ((firstChannel + channel) * height + y) * width + offset, to: sums,
                    at: row * columns, horizontal)
                }
              }
            }
          }
        }
      }
      for sum in sums { output.append(Float(sum)) }
    }
    return output
  }

  /// Adds `weight` times a row of the input to a row of sums.
  @inline(__always)
  private func add(
    _ weight: Double, _ x: UnsafeBufferPointer<Double>, from: Int,
    to sums: UnsafeMutableBufferPointer<Double>,
    at first: Int, _ columns: Range<Int>
  ) {
    if strides.width == 1 {
      for column in columns { sums[first + column] += weight * x[from + column] }
    } else {
      for column in columns { sums[first + column] += weight * x[from + column * strides.width] }
    }
  }

  /// The output positions along one axis whose tap at `offset` lies inside the input.
  private static func inside(_ count: Int, offset: Int, stride: Int, length: Int) -> Range<Int> {
    let first = offset >= 0 ? 0 : (stride - 1 - offset) / stride
    let end = offset >= length ? 0 : (length - 1 - offset) / stride + 1
    return min(first, count)..<max(min(end, count), min(first, count))
  }
}

extension Pool {
  func evaluate(_ input: [Float], of shape: TensorShape, into next: TensorShape) -> [Float] {
    let (channels, height, width) = (shape.dimensions[0], shape.dimensions[1], shape.dimensions[2])
    let (rows, columns) = (next.dimensions[1], next.dimensions[2])
    var output: [Float] = []
    output.reserveCapacity(channels * rows * columns)
    for channel in 0..<channels {
      for row in 0..<rows {
        let top = row * strides.height - padding.top
        let vertical = max(top, 0)..<min(top + kernel.height, height)
        for column in 0..<columns {
          let left = column * strides.width - padding.left
          let horizontal = max(left, 0)..<min(left + kernel.width, width)
          output.append(reduce(input, rowOrigin: channel * height, width: width, vertical, horizontal))
        }
      }
    }
    return output
  }

  private func reduce(
    _ input: [Float], rowOrigin: Int, width: Int, _ vertical: Range<Int>, _ horizontal: Range<Int>
  ) -> Float {
    var peak = -Float.infinity
    var sum = 0.0
    for y in vertical {
      for x in horizontal {
        let value = input[(rowOrigin + y) * width + x]
        peak = max(peak, value)
        sum += Double(value)
      }
    }
    switch kind {
    case .max: return peak
    case .average(let countsPadding):
      let inside = vertical.count * horizontal.count
      let divisor = countsPadding ? kernel.height * kernel.width : inside
      return Float(sum / Double(divisor))
    }
  }
}
