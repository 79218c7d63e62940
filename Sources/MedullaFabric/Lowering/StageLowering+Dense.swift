import CMedullaFabric
import MedullaSnapshot

extension StageLowering {
  /// A dense layer: the weights of each cell of inputs lie together, element by element in the order in
  /// which they travel, and of an element those of all columns; where all of them are few, column by column.
  /// What moves inputs before it only says which weights meet which element.
  func lowerDense(
    _ step: DenseStep, _ body: StageBody, _ number: Int, _ channels: Range<Int>, _ lowered: inout LoweredTask
  ) throws(FabricError) {
    let tensor = tensors[number]
    let terms = try DenseTerms(body, step, inputs: stages[number].inputs)
    let cells = tensor.cells.map { tensor.indices(of: $0) }
    let packing = LanePacking(terms: cells.map(\.count).max() ?? 1, inputs: body.inputs) { flush, isProven in
      terms.eachWindow(of: cells, flush: flush, channels: channels, isProven)
    }
    lowered.task.kind = UInt64(FABRIC_DENSE.rawValue)
    lowered.task.lanes = UInt64(packing.lanes)
    lowered.task.flush = UInt64(packing.flush)
    for first in stride(from: 0, to: channels.count, by: packing.channels) {
      lowered.appendColumns(
        packing, channels: first..<min(first + packing.channels, channels.count), input: 0,
        bias: { body.parameters.bias[channels.lowerBound + $0] },
        multiplier: { body.parameters.multipliers[channels.lowerBound + $0] })
    }
    lowered.task.columns = UInt64(lowered.columns.count)
    let padded = cells.reduce(0) { $0 + ($1.count + 7) / 8 * 8 }
    let isNear = padded * lowered.columns.count * Int(FABRIC_WORDS) * 8 <= nearBytes
    lowered.task.by_columns = isNear ? 1 : 0
    lowered.task.units = UInt64(cells.count)
    lowered.task.pieces_per_row = 1
    var offset = 0
    for indices in cells {
      let padded = (indices.count + 7) / 8 * 8
      var place = fabric_place()
      place.offset = UInt64(offset)
      place.bytes = UInt64(indices.count * tensor.elementBytes)
      (place.run, place.pitch) = (place.bytes, place.bytes)
      place.terms = UInt64(padded)
      place.weights = UInt64(lowered.weights.count * 8)
      place.turn = UInt64(lowered.places.count)
      place.row = place.turn
      place.work = UInt64(indices.count * channels.count)
      lowered.rows.append(fabric_row(first: place.row, last: place.row))
      lowered.wakes.append(fabric_wake(first: place.row, count: 1))
      lowered.places.append(place)
      // Cells begin at words, and what rounds them up is never written, so that it stays 0.
      offset += (padded * tensor.elementBytes + 7) / 8 * 8
      terms.append(indices, padded: padded, channels, packing, byColumns: isNear, to: &lowered)
    }
    lowered.inputBytes = offset
    lowered.runs = [0]
    lowered.task.runs = 1
    lowered.makeRoomForLists(runs: 1, of: lowered.places.map { Int($0.terms) }.max() ?? 0, positions: 1)
    lowered.listBytes += lowered.columns.count * Int(FABRIC_WORDS) * 8
    lowered.sumBytes = lowered.columns.count * packing.channels * 8
  }
}

/// The weights of a dense layer by the element of the stage's inputs that they meet.
struct DenseTerms {
  private let step: DenseStep
  private let weights: [Int32]
  /// Of each input element, the layer's terms that read it.
  private let readers: [[Int]]

  init(_ body: StageBody, _ step: DenseStep, inputs: Int) throws(FabricError) {
    self.step = step
    weights = body.parameters.weights
    // Which element each term reads; nil: a zero of padding.
    var sources: [Int?] = Array(0..<inputs)
    for move in body.before {
      switch move {
      case .gather(let gather): sources = gather.indices.map { sources[$0] }
      case .pad(let pad):
        var padded = [Int?](repeating: nil, count: pad.channels * pad.outputHeight * pad.outputWidth)
        for channel in 0..<pad.channels {
          for row in 0..<pad.height {
            let to = (channel * pad.outputHeight + row + pad.padding.top) * pad.outputWidth + pad.padding.left
            for column in 0..<pad.width {
              padded[to + column] = sources[(channel * pad.height + row) * pad.width + column]
            }
          }
        }
        sources = padded
      default:
        throw FabricError(.badNetwork, "\(body.name): \(move.kind) is not computed before a dense layer")
      }
    }
    var readers = [[Int]](repeating: [], count: inputs)
    for (term, source) in sources.enumerated() { if let source { readers[source].append(term) } }
    self.readers = readers
  }

  /// What an element is multiplied by for a channel.
  func weight(_ channel: Int, _ element: Int) -> Int64 {
    var sum: Int64 = 0
    for term in readers[element] { sum += Int64(weights[channel * step.inputs + term]) }
    return sum
  }

  func eachWindow(
    of cells: [[Int]], flush: Int, channels: Range<Int>, _ isProven: (LanePacking.Sums) -> Bool
  ) {
    for channel in channels {
      for indices in cells {
        for first in stride(from: 0, to: indices.count, by: flush) {
          var sums = LanePacking.Sums()
          for element in indices[first..<min(first + flush, indices.count)] {
            sums.add(weight(channel, element))
          }
          guard isProven(sums) else { return }
        }
      }
    }
  }

  func append(
    _ indices: [Int], padded: Int, _ channels: Range<Int>, _ packing: LanePacking, byColumns: Bool,
    to lowered: inout LoweredTask
  ) {
    lowered.weights.reserveCapacity(
      lowered.weights.count + lowered.columns.count * padded * Int(FABRIC_WORDS))
    func append(_ place: Int, _ first: Int) {
      lowered.weights += packing.words { lane in
        let channel = first + lane
        return place < indices.count && channel < channels.upperBound ? weight(channel, indices[place]) : 0
      }
    }
    let columns = stride(from: channels.lowerBound, to: channels.upperBound, by: packing.channels)
    if byColumns {
      for first in columns { for place in 0..<padded { append(place, first) } }
    } else {
      for place in 0..<padded { for first in columns { append(place, first) } }
    }
  }
}
