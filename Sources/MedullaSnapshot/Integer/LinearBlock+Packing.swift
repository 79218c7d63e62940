extension LinearBlock {
  /// The block's words, in the order that the type describes.
  func pack(_ parameters: LinearParameters) -> [Int64] {
    var words: [Int64] = []
    words.reserveCapacity(self.words)
    for group in 0..<groups {
      for chunk in chunks {
        packChunk(parameters, group: group, units: chunk, into: &words)
      }
    }
    return words
  }

  /// The weights, biases and multipliers of a block's words. Words of lanes that no channel uses are dropped.
  func unpack(_ words: ArraySlice<Int64>, clip: ClosedRange<Int64>?) -> LinearParameters {
    var weights = [Int32](repeating: 0, count: groups * channels * terms)
    var bias = [Int64](repeating: 0, count: groups * channels)
    var multipliers = bias
    var next = words.startIndex
    for group in 0..<groups {
      for chunk in chunks {
        if packing != .triple {
          for unit in chunk {
            store(split(words[next]), unit: unit, group: group) { bias[$0] = $1 }
            next += 1
          }
        }
        for term in 0..<terms {
          for unit in chunk {
            store(split(words[next]), unit: unit, group: group) {
              weights[$0 * terms + term] = Int32(truncatingIfNeeded: $1)
            }
            next += 1
          }
        }
        if packing == .triple {
          for unit in chunk {
            store(Array(words[next..<next + packing.lanes]), unit: unit, group: group) { bias[$0] = $1 }
            next += packing.lanes
          }
        }
        for unit in chunk {
          store(Array(words[next..<next + packing.lanes]), unit: unit, group: group) { multipliers[$0] = $1 }
          next += packing.lanes
        }
      }
    }
    return LinearParameters(weights: weights, bias: bias, multipliers: multipliers, clip: clip)
  }

  /// The units of each chunk.
  private var chunks: [Range<Int>] {
    stride(from: 0, to: units, by: Packing.accumulators).map {
      $0..<min($0 + Packing.accumulators, units)
    }
  }

  private func packChunk(
    _ parameters: LinearParameters, group: Int, units: Range<Int>, into words: inout [Int64]
  ) {
    if packing != .triple {
      for unit in units { words.append(join(unit, group) { parameters.bias[$0] }) }
    }
    for term in 0..<terms {
      for unit in units {
        words.append(join(unit, group) { Int64(parameters.weights[$0 * terms + term]) })
      }
    }
    if packing == .triple {
      for unit in units { words += lanes(unit, group) { parameters.bias[$0] } }
    }
    for unit in units { words += lanes(unit, group) { parameters.multipliers[$0] } }
  }

  /// The values of a unit's channels; 0 for a lane without one.
  private func lanes(_ unit: Int, _ group: Int, value: (Int) -> Int64) -> [Int64] {
    (0..<packing.lanes).map { lane in
      let channel = unit * packing.lanes + lane
      return channel < channels ? value(group * channels + channel) : 0
    }
  }

  private func join(_ unit: Int, _ group: Int, value: (Int) -> Int64) -> Int64 {
    var word: Int64 = 0
    for (lane, value) in lanes(unit, group, value: value).enumerated() {
      word &+= value << Int64(lane * laneShift)
    }
    return word
  }

  private func split(_ word: Int64) -> [Int64] {
    var rest = word
    return (0..<packing.lanes).map { lane in
      guard lane < packing.lanes - 1 else { return rest }
      let unused = Int64(64 - laneShift)
      let low = (rest << unused) >> unused
      rest = (rest &- low) >> Int64(laneShift)
      return low
    }
  }

  private var laneShift: Int { packing == .single ? 0 : packing.laneBits }

  private func store(
    _ values: [Int64], unit: Int, group: Int, into place: (Int, Int64) -> Void
  ) {
    for (lane, value) in values.enumerated() {
      let channel = unit * packing.lanes + lane
      if channel < channels { place(group * channels + channel, value) }
    }
  }
}
