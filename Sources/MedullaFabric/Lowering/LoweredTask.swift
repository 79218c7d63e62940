import CMedullaFabric

/// One part of a stage as a switch's engine takes it: all of its data, but no addresses yet.
package struct LoweredTask {
  /// Everything but the addresses, and what depends on how many slots and processors there are.
  package var task = fabric_task()
  package var weights: [Int64] = []
  /// For each entry of columns as many as are summed side by side.
  package var biases: [Int64] = []
  package var multipliers: [Int64] = []
  package var places: [fabric_place] = []
  package var columns: [fabric_columns] = []
  package var runs: [UInt64] = []
  package var positions: [fabric_position] = []
  package var rows: [fabric_row] = []
  package var wakes: [fabric_wake] = []
  /// Lines of each table: intercept, then slope.
  package var tables: [[Int32]] = []
  /// By finish, which of the tables it uses.
  package var tableOfFinish: [Int: Int] = [:]
  package var tableOfTail: Int?
  /// Of one slot.
  package var inputBytes = 0
  package var outputBytes = 0
  package var valueBytes = 0
  /// Of one processor.
  package var listBytes = 0
  /// Of one processor, and of one slot where they are not a convolution's.
  package var sumBytes = 0

  /// Sums are an inference's until all of its cells are there.
  package var hasSumsOfSlots: Bool { task.kind != UInt64(FABRIC_CONVOLUTION.rawValue) }
}

extension LoweredTask {
  /// Makes room for the lists of what is not 0 in a window of so many runs.
  mutating func makeRoomForLists(runs: Int, of terms: Int, positions: Int) {
    let parts = runs * (terms / max(Int(task.flush), 1) + 2) + 1
    let bytes = Int(FABRIC_TERM_BYTES)
    let first = MemoryLayout<fabric_list>.size + parts * 8
    task.list_first = UInt64(first)
    // Parts are rounded up, and what is 0 is written before it is found to be.
    task.list_stride = UInt64(first + (runs * terms + parts * Int(FABRIC_TERM_STEP) + 1) * bytes)
    listBytes = positions * Int(task.list_stride)
  }

  /// Sets what is sent: a row's bytes, and how many cells they take.
  mutating func sends(_ tensor: WireTensor, part number: Int) {
    let part = tensor.parts[number]
    let bytes = tensor.elementBytes
    task.output_bytes = UInt64(bytes)
    task.cells_before = UInt64(part.firstCell)
    task.cells_sent = UInt64(tensor.cellCount(of: part))
    task.cells_next = UInt64(tensor.cellCount)
    task.output_row = UInt64((part.rowElements * bytes + 7) / 8 * 8)
    task.row_pieces = UInt64(part.piecesPerRow)
    task.piece_bytes = UInt64(part.pieceElements * bytes)
    task.last_bytes = UInt64(part.lastElements * bytes)
    outputBytes = tensor.rows * Int(task.output_row)
  }

  /// Adds the words of an entry of columns: what `value` gives for each channel of the part, 0 for none.
  mutating func appendColumns(
    _ packing: LanePacking, channels: Range<Int>, input: Int, bias: (Int) -> Int64,
    multiplier: (Int) -> Int64
  ) {
    var entry = fabric_columns()
    entry.input = UInt64(input)
    entry.first = UInt64(channels.lowerBound)
    entry.count = UInt64(channels.count)
    columns.append(entry)
    for place in 0..<packing.channels {
      let channel = channels.lowerBound + place
      let isThere = channel < channels.upperBound
      biases.append(isThere ? bias(channel) : 0)
      multipliers.append(isThere ? multiplier(channel) : 0)
    }
  }
}
