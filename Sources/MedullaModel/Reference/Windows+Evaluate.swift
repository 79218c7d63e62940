extension Convolution {
  /// ONNX `Conv`: out[o, y, x] = b[o] + Σ W[o, c, i, j] · in[g(o) + c, y·s + i·d − p, x·s + j·d − p].
  func evaluate(_ input: [Float], of shape: TensorShape, into next: TensorShape) -> [Float] {
    let (height, width) = (shape.dimensions[1], shape.dimensions[2])
    let (rows, columns) = (next.dimensions[1], next.dimensions[2])
    let channels = inputChannels / groups
    let filters = outputChannels / groups
    var output = [Float](repeating: 0, count: outputChannels * rows * columns)
    for filter in 0..<outputChannels {
      let firstChannel = filter / filters * channels
      for row in 0..<rows {
        for column in 0..<columns {
          var sum = Double(bias[filter])
          for channel in 0..<channels {
            let plane = (firstChannel + channel) * height
            let slice = (filter * channels + channel) * kernel.height
            for i in 0..<kernel.height {
              let y = row * strides.height + i * dilations.height - padding.top
              guard y >= 0, y < height else { continue }
              for j in 0..<kernel.width {
                let x = column * strides.width + j * dilations.width - padding.left
                guard x >= 0, x < width else { continue }
                sum +=
                  Double(weights[(slice + i) * kernel.width + j]) * Double(input[(plane + y) * width + x])
              }
            }
          }
          output[(filter * rows + row) * columns + column] = Float(sum)
        }
      }
    }
    return output
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
