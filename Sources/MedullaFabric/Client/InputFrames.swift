import CMedullaFabric
import MedullaSnapshot

/// An inference's inputs as frames, ready but for what differs from one to the next: which bytes of which
/// activation go where is worked out once.
struct InputFrames {
  private static let epochPlace = 18
  private static let inferencePlace = 24
  private static let attemptPlace = 34

  /// Headers, with payloads of zeros.
  private let template: [UInt8]
  private let frameBytes: Int
  private let elementBytes: Int
  /// Of the activations, in the order in which they travel.
  private let order: [Int32]
  /// Where the first payload byte of each activation goes in the template.
  private let places: [Int32]
  private let features: [FeatureScaling]
  private let shift: Int
  let count: Int
  /// Of all of them.
  var epoch: UInt16

  /// - Parameter header: of the first cell of inference 0.
  init(_ description: ClientDescription, _ header: fabric_cell) {
    let cells = description.inputCells
    frameBytes = Int(FABRIC_HEADER_BYTES) + description.payloadBytes
    elementBytes = description.elementBytes
    count = cells.count
    let entry = description.features
    features = entry.low.indices.map {
      FeatureScaling(
        low: entry.low[$0], width: entry.width[$0], multiplier: entry.multiplier[$0], bias: entry.bias[$0])
    }
    shift = entry.shift
    epoch = header.epoch
    var template = [UInt8](repeating: 0, count: count * frameBytes)
    var (order, places): ([Int32], [Int32]) = ([], [])
    for (number, cell) in cells.enumerated() {
      var head = header
      (head.chunk, head.chunks) = (UInt16(number), UInt16(cells.count))
      head.length = UInt16(cell.count * elementBytes)
      let start = number * frameBytes
      template.withUnsafeMutableBufferPointer { Self.write(head, to: &$0, at: start) }
      for (element, index) in cell.enumerated() {
        order.append(Int32(index))
        places.append(Int32(start + Int(FABRIC_HEADER_BYTES) + element * elementBytes))
      }
    }
    (self.template, self.order, self.places) = (template, order, places)
  }

  /// A header, to everyone on the link: switches go by labels alone.
  static func write(_ header: fabric_cell, to frames: inout UnsafeMutableBufferPointer<UInt8>, at start: Int)
  {
    guard let base = frames.baseAddress else { return }
    for byte in 0..<6 { base[start + byte] = 0xff }
    withUnsafePointer(to: header) { fabric_write(base + start, $0) }
  }

  /// All frames of an inference, one behind the other.
  func frames(of input: [Int64], inference: UInt32, attempt: UInt8) -> [UInt8] {
    let entered = zip(input, features).map { $1.apply($0, shift: shift) }
    return [UInt8](unsafeUninitializedCapacity: template.count) { frames, written in
      written = frames.initialize(fromContentsOf: template)
      entered.withUnsafeBufferPointer { entered in
        for element in order.indices {
          let value = entered[Int(order[element])]
          let place = Int(places[element])
          frames[place] = UInt8(truncatingIfNeeded: value)
          if elementBytes == 2 { frames[place + 1] = UInt8(truncatingIfNeeded: value >> 8) }
        }
      }
      for frame in 0..<count {
        for byte in 0..<4 {
          frames[frame * frameBytes + Self.inferencePlace + byte] =
            UInt8(truncatingIfNeeded: inference >> UInt32(24 - 8 * byte))
        }
        frames[frame * frameBytes + Self.epochPlace] = UInt8(truncatingIfNeeded: epoch >> 8)
        frames[frame * frameBytes + Self.epochPlace + 1] = UInt8(truncatingIfNeeded: epoch)
        frames[frame * frameBytes + Self.attemptPlace] = attempt
      }
    }
  }

  /// Those frames whose bits are not set.
  func frames(
    of input: [Int64], inference: UInt32, attempt: UInt8, without has: [UInt8]
  ) -> [UInt8] {
    let all = frames(of: input, inference: inference, attempt: attempt)
    return (0..<count).filter { $0 / 8 >= has.count || has[$0 / 8] >> UInt8($0 % 8) & 1 == 0 }
      .flatMap { all[$0 * frameBytes..<($0 + 1) * frameBytes] }
  }
}
