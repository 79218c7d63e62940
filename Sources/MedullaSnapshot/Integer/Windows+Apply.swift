extension PadStep {
  func apply(to x: [Int64]) -> [Int64] {
    var output = [Int64](repeating: 0, count: channels * outputHeight * outputWidth)
    for channel in 0..<channels {
      for row in 0..<height {
        let from = (channel * height + row) * width
        let to = (channel * outputHeight + row + padding.top) * outputWidth + padding.left
        for column in 0..<width { output[to + column] = x[from + column] }
      }
    }
    return output
  }
}

extension PoolStep {
  func apply(to x: [Int64]) -> [Int64] {
    var output: [Int64] = []
    output.reserveCapacity(channels * outputHeight * outputWidth)
    for channel in 0..<channels {
      for row in 0..<outputHeight {
        let top = row * strides.height - padding.top
        let rows = max(top, 0)..<min(top + kernel.height, height)
        for column in 0..<outputWidth {
          let left = column * strides.width - padding.left
          let columns = max(left, 0)..<min(left + kernel.width, width)
          output.append(value(of: x, channel: channel, rows: rows, columns: columns))
        }
      }
    }
    return output
  }

  private func value(of x: [Int64], channel: Int, rows: Range<Int>, columns: Range<Int>) -> Int64 {
    var sum: Int64 = 0
    var peak = Int64.min
    for row in rows {
      for column in columns {
        let element = x[(channel * height + row) * width + column]
        sum &+= element
        peak = max(peak, element)
      }
    }
    switch kind {
    case .maximum: return peak
    case .average: return Self.mean(sum, of: rows.count * columns.count)
    case .averageCountingPadding: return Self.mean(sum, of: kernel.height * kernel.width)
    }
  }

  /// ⌊sum / count + 1/2⌋ without a signed division.
  private static func mean(_ sum: Int64, of count: Int) -> Int64 {
    let n = Int64(count)
    return (sum + n / 2 + n * averageOffset) / n - averageOffset
  }
}

extension ArgmaxStep {
  func apply(to x: [Int64]) -> Int64 {
    var best = 0
    for index in x.indices where x[index] > x[best] { best = index }
    return Int64(best) * unit
  }
}
