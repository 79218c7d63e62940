import CMedullaFabric

/// One epoch of a network as a client has it: what it sends, and what it makes of what comes.
struct NetworkVersion {
  let description: ClientDescription
  let epoch: Int
  private(set) var frames: InputFrames
  private let client: Int
  /// Of the description.
  private let stamp: FileStamp?

  init(_ model: FabricState.Model, client: Int) throws(FabricError) {
    stamp = FileStamp(ClientDescription.path(model.plan))
    description = try ClientDescription.read(model.plan)
    epoch = model.epoch
    self.client = client
    frames = InputFrames(description, Self.header(description, epoch, client, FABRIC_DATA, label: 0))
  }

  /// What follows: where the network has only moved, its description is the same file.
  func next(_ model: FabricState.Model) throws(FabricError) -> NetworkVersion {
    guard let stamp, stamp == FileStamp(ClientDescription.path(model.plan)) else {
      return try NetworkVersion(model, client: client)
    }
    return NetworkVersion(self, epoch: model.epoch)
  }

  private init(_ other: NetworkVersion, epoch: Int) {
    (description, client, stamp, self.epoch) = (other.description, other.client, other.stamp, epoch)
    frames = other.frames
    frames.epoch = UInt16(truncatingIfNeeded: epoch)
  }

  private static func header(
    _ description: ClientDescription, _ epoch: Int, _ client: Int, _ type: fabric_type, label: Int
  ) -> fabric_cell {
    var cell = fabric_cell()
    cell.type = UInt8(type.rawValue)
    cell.hops = UInt8(FABRIC_HOP_LIMIT)
    cell.model = UInt16(description.model)
    cell.epoch = UInt16(truncatingIfNeeded: epoch)
    cell.label = UInt16(label)
    cell.client = UInt16(client)
    return cell
  }

  /// A frame that asks the last stage for the answer's cells that are not there.
  func question(_ inference: UInt32, attempt: UInt8, has answer: PartialAnswer) -> [UInt8] {
    var cell = Self.header(description, epoch, client, FABRIC_MISSING, label: description.stages - 1)
    (cell.inference, cell.attempt, cell.chunks) = (inference, attempt, 1)
    cell.length = UInt16(FABRIC_CHUNKS / 8)
    var frame = [UInt8](repeating: 0, count: Int(FABRIC_HEADER_BYTES) + description.payloadBytes)
    frame.withUnsafeMutableBufferPointer { InputFrames.write(cell, to: &$0, at: 0) }
    for (number, isThere) in answer.has.enumerated() where isThere {
      frame[Int(FABRIC_HEADER_BYTES) + number / 8] |= 1 << UInt8(number % 8)
    }
    return frame
  }
}

/// An answer's cells as they come.
struct PartialAnswer {
  private(set) var has: [Bool]
  private(set) var outputs: [Int64]
  private var missing: Int

  init(_ description: ClientDescription) {
    has = [Bool](repeating: false, count: description.answerCells.count)
    outputs = [Int64](repeating: 0, count: description.outputs)
    missing = has.count
  }

  var isWhole: Bool { missing == 0 }

  /// Takes a cell in; one that does not fit, or is there already, changes nothing.
  mutating func take(
    _ cell: fabric_cell, _ payload: UnsafeRawBufferPointer, _ description: ClientDescription
  ) {
    let number = Int(cell.chunk)
    guard Int(cell.chunks) == has.count, number < has.count, !has[number],
      payload.count == description.answerCells[number].count * 8
    else { return }
    for (place, index) in description.answerCells[number].enumerated() {
      outputs[index] = Int64(littleEndian: payload.loadUnaligned(fromByteOffset: place * 8, as: Int64.self))
    }
    has[number] = true
    missing -= 1
  }
}
