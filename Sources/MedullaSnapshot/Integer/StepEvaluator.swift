/// One step on one tensor of integers.
struct StepEvaluator: Sendable {
  let tables: [TableLines]

  func apply(_ step: Step, _ data: StepParameters, to x: [Int64]) -> [Int64] {
    switch (step, data) {
    case (.dense(let dense), .linear(let linear)): self.dense(dense, linear, x)
    case (.convolution(let convolution), .linear(let linear)): self.convolution(convolution, linear, x)
    case (.map(let map), .map(let data)):
      x.map { finish($0 + data.bias, data.multiplier, data.clip, map.epilogue) }
    case (.softmax(let softmax), .softmax(let multiplier)): self.softmax(softmax, multiplier, x)
    case (.pad(let pad), _): pad.apply(to: x)
    case (.pool(let pool), _): pool.apply(to: x)
    case (.gather(let gather), _): gather.indices.map { x[$0] }
    case (.argmax(let argmax), _): [argmax.apply(to: x)]
    // `Snapshot` checks that every step has its own kind of parameters.
    case (.dense, _), (.convolution, _), (.map, _), (.softmax, _): []
    }
  }

  private func dense(_ step: DenseStep, _ linear: LinearParameters, _ x: [Int64]) -> [Int64] {
    var sums = Self.sums(of: step, linear, x)
    for output in sums.indices {
      sums[output] = finish(sums[output], linear.multipliers[output], linear.clip, step.epilogue)
    }
    return sums
  }

  /// bias[o] + Σ weight[o][i] · x[i] of each output, four of them side by side. Sums wrap, because
  /// `BoundProof` shows that none leaves 64 bits.
  static func sums(of step: DenseStep, _ linear: LinearParameters, _ x: [Int64]) -> [Int64] {
    var sums = linear.bias
    let inputs = step.inputs
    linear.weights.withUnsafeBufferPointer { weights in
      x.withUnsafeBufferPointer { x in
        sums.withUnsafeMutableBufferPointer { sums in
          let whole = step.outputs / 4 * 4
          for output in stride(from: 0, to: whole, by: 4) {
            var (a, b, c, d) = (sums[output], sums[output + 1], sums[output + 2], sums[output + 3])
            let row = output * inputs
            for index in 0..<inputs {
              let value = x[index]
              a &+= Int64(weights[row + index]) &* value
              b &+= Int64(weights[row + inputs + index]) &* value
              c &+= Int64(weights[row + 2 * inputs + index]) &* value
              d &+= Int64(weights[row + 3 * inputs + index]) &* value
            }
            (sums[output], sums[output + 1], sums[output + 2], sums[output + 3]) = (a, b, c, d)
          }
          for output in whole..<step.outputs {
            var sum = sums[output]
            for index in 0..<inputs { sum &+= Int64(weights[output * inputs + index]) &* x[index] }
            sums[output] = sum
          }
        }
      }
    }
    return sums
  }

  /// One weight at a time over a channel's whole plane of sums.
  private func convolution(
    _ step: ConvolutionStep, _ linear: LinearParameters, _ x: [Int64]
  ) -> [Int64] {
    let channelsIn = step.inputChannels / step.groups
    let channelsOut = step.outputChannels / step.groups
    let (rows, columns) = (step.outputHeight, step.outputWidth)
    let (down, across) = (step.strides.height * step.width, step.strides.width)
    var output: [Int64] = []
    output.reserveCapacity(step.outputChannels * rows * columns)
    var sums = [Int64](repeating: 0, count: rows * columns)
    for channel in 0..<step.outputChannels {
      let first = channel / channelsOut * channelsIn
      sums.withUnsafeMutableBufferPointer { sums in
        sums.update(repeating: linear.bias[channel])
        x.withUnsafeBufferPointer { x in
          var term = channel * step.fanIn
          for input in first..<first + channelsIn {
            for ky in 0..<step.kernel.height {
              for kx in 0..<step.kernel.width {
                let weight = Int64(linear.weights[term])
                let origin =
                  (input * step.height + ky * step.dilations.height) * step.width + kx * step.dilations.width
                term += 1
                for row in 0..<rows {
                  let (from, to) = (origin + row * down, row * columns)
                  for column in 0..<columns { sums[to + column] &+= weight &* x[from + column * across] }
                }
              }
            }
          }
        }
      }
      for sum in sums {
        output.append(finish(sum, linear.multipliers[channel], linear.clip, step.epilogue))
      }
    }
    return output
  }

  private func finish(
    _ sum: Int64, _ multiplier: Int64, _ clip: ClosedRange<Int64>?, _ epilogue: Epilogue
  ) -> Int64 {
    value(of: epilogue.function, clip, at: (sum * multiplier) >> Int64(epilogue.shift))
  }

  /// The function of v, a sum after its multiplier and shift.
  func value(of function: Epilogue.Function, _ clip: ClosedRange<Int64>?, at v: Int64) -> Int64 {
    switch function {
    case .identity: return v
    case .clamp(let low, let high): return min(max(v, low), high)
    case .clip: return clip.map { min(max(v, $0.lowerBound), $0.upperBound) } ?? v
    case .table(let index): return tables[index].value(at: v)
    case .leaky(let slope, let shift, let limit):
      let y = v >= 0 ? v : (v * slope + 1 << Int64(shift - 1)) >> Int64(shift)
      return min(max(y, -limit), limit)
    }
  }

  private func softmax(_ step: SoftmaxStep, _ multiplier: Int64, _ x: [Int64]) -> [Int64] {
    var output: [Int64] = []
    for start in stride(from: 0, to: step.rows * step.length, by: step.length) {
      let row = x[start..<start + step.length]
      let peak = row.max() ?? 0
      let powers = row.map { tables[step.table].value(at: ((peak - $0) * multiplier) >> Int64(step.shift)) }
      let sum = powers.reduce(0, +)
      output += powers.map { ($0 * step.unit + sum / 2) / sum }
    }
    return output
  }
}
