import MedullaModel

/// What the float layers do on the calibration samples. Takes one sample's trace at a time and keeps none.
struct FloatStatistics {
  /// By layer; empty for a layer without channels of its own.
  private var channelSums: [[Double]]
  private var magnitudes: [Magnitudes]
  private var samples = 0

  /// - Parameters:
  ///   - percentile: the one that ranges reach to; at 100 the largest value is all that is kept.
  ///   - samples: how many traces will be added.
  init(of network: Network, samples: Int, percentile: Double) {
    channelSums = network.layers.map { layer in
      switch layer {
      case .dense(let dense): [Double](repeating: 0, count: dense.outputs)
      case .convolution(let convolution): [Double](repeating: 0, count: convolution.outputChannels)
      default: []
      }
    }
    magnitudes = network.layerShapes.map { shape in
      Magnitudes(population: percentile < 100 ? shape.count * samples : 0)
    }
  }

  /// - Parameter trace: the output of every layer for one sample.
  mutating func add(_ trace: [[Float]]) {
    for (layer, values) in trace.enumerated() {
      magnitudes[layer].add(values)
      let channels = channelSums[layer].count
      guard channels > 0 else { continue }
      let positions = values.count / channels
      let divisor = Double(positions)
      for channel in 0..<channels {
        for position in 0..<positions {
          channelSums[layer][channel] += Double(values[channel * positions + position]) / divisor
        }
      }
    }
    samples += 1
  }

  /// The mean of a dense or convolution layer's outputs, for each channel.
  func channelMeans(_ layer: Int) -> [Double] {
    channelSums[layer].map { $0 / Double(max(samples, 1)) }
  }

  /// The magnitude below which `percent` of a layer's outputs lie.
  func magnitude(after layer: Int, percent: Double) -> Double { magnitudes[layer].value(at: percent) }
}

/// The magnitudes of one layer's outputs: the largest, and for other quantiles all of them or an even sample.
private struct Magnitudes {
  /// Values that a quantile is taken from.
  static let limit = 1 << 18

  private var largest = 0.0
  private var kept: [Double] = []
  private var places: AnyIterator<Int>
  private var next: Int?
  private var seen = 0

  /// - Parameter population: how many values will come; 0 when only the largest is wanted.
  init(population: Int) {
    places = StratifiedSample(of: population, limit: Self.limit).makeIterator()
    next = places.next()
  }

  mutating func add(_ values: [Float]) {
    for value in values { largest = max(largest, abs(Double(value))) }
    while let place = next, place < seen + values.count {
      kept.append(abs(Double(values[place - seen])))
      next = places.next()
    }
    seen += values.count
  }

  func value(at percent: Double) -> Double {
    percent < 100 ? Quantiles(kept).value(at: percent) : largest
  }
}
