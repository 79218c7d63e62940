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
    (0..<step.outputs).map { output in
      var sum = linear.bias[output]
      let row = output * step.inputs
      for input in 0..<step.inputs { sum += Int64(linear.weights[row + input]) * x[input] }
      return finish(sum, linear.multipliers[output], linear.clip, step.epilogue)
    }
  }

  private func convolution(
    _ step: ConvolutionStep, _ linear: LinearParameters, _ x: [Int64]
  ) -> [Int64] {
    let channelsIn = step.inputChannels / step.groups
    let channelsOut = step.outputChannels / step.groups
    var output: [Int64] = []
    for channel in 0..<step.outputChannels {
      let first = channel / channelsOut * channelsIn
      for row in 0..<step.outputHeight {
        for column in 0..<step.outputWidth {
          var sum = linear.bias[channel]
          var weight = channel * step.fanIn
          for input in first..<first + channelsIn {
            for ky in 0..<step.kernel.height {
              let y = row * step.strides.height + ky * step.dilations.height
              for kx in 0..<step.kernel.width {
                let column = column * step.strides.width + kx * step.dilations.width
                sum += Int64(linear.weights[weight]) * x[(input * step.height + y) * step.width + column]
                weight += 1
              }
            }
          }
          output.append(finish(sum, linear.multipliers[channel], linear.clip, step.epilogue))
        }
      }
    }
    return output
  }

  private func finish(
    _ sum: Int64, _ multiplier: Int64, _ clip: ClosedRange<Int64>?, _ epilogue: Epilogue
  ) -> Int64 {
    let v = (sum * multiplier) >> Int64(epilogue.shift)
    switch epilogue.function {
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
