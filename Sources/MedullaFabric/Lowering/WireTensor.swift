import CMedullaFabric

/// How a tensor travels between stages: in cells of a fixed size, each with elements of one part and one row.
///
/// An image goes row by row, and in a row pixel by pixel with all of a part's channels, so that a convolution
/// can begin when its first rows are there, and reads what it multiplies in one piece. Anything else is one
/// row for each part.
package struct WireTensor: Sendable, Equatable {
  package enum Form: Sendable, Equatable {
    case image(channels: Int, height: Int, width: Int)
    case flat(count: Int)
  }

  /// A part of a stage that fills cells of its own.
  package struct Part: Sendable, Equatable {
    /// Channels of an image, elements of anything else.
    package let channels: Range<Int>
    package let firstCell: Int
    /// Elements of a row, and of each of its cells but the last.
    package let rowElements: Int
    package let pieceElements: Int

    package var piecesPerRow: Int { (rowElements + pieceElements - 1) / pieceElements }
    package var lastElements: Int { rowElements - (piecesPerRow - 1) * pieceElements }
  }

  package struct Cell: Sendable, Equatable {
    package let part: Int
    package let row: Int
    /// Elements of the row, counted in the order in which they travel.
    package let elements: Range<Int>
  }

  package let form: Form
  package let elementBytes: Int
  package let parts: [Part]
  package let rows: Int

  /// - Parameter channels: of each part; together all of them.
  package init(_ form: Form, elementBytes: Int, channels: [Range<Int>], cells format: CellFormat) {
    self.form = form
    self.elementBytes = elementBytes
    let width: Int
    switch form {
    case .image(_, let height, let columns): (rows, width) = (height, columns)
    case .flat: (rows, width) = (1, 1)
    }
    var parts: [Part] = []
    var first = 0
    for range in channels {
      let room = format.payloadBytes / elementBytes
      let piece = Self.piece(width: width, channels: range.count, bytes: elementBytes, room: room)
      let part = Part(
        channels: range, firstCell: first, rowElements: width * range.count, pieceElements: piece)
      first += rows * part.piecesPerRow
      parts.append(part)
    }
    self.parts = parts
  }

  /// Elements of a cell: whole pixels where one has room, else what divides a pixel; of those choices one
  /// that ends at a word. What is no image is cut evenly, since processors take cells in turns.
  private static func piece(width: Int, channels: Int, bytes: Int, room: Int) -> Int {
    guard width > 1 else {
      let most = max(room / 8 * 8, 1)
      let pieces = (channels + most - 1) / most
      let even = (channels + pieces - 1) / pieces
      return min(channels, most, (even + 7) / 8 * 8)
    }
    if width * channels <= room { return width * channels }
    if channels <= room {
      let most = room / channels
      let even = (1...most).last { $0 * channels * bytes % 8 == 0 }
      return (even ?? most) * channels
    }
    let divisors = (1...room).filter { channels % $0 == 0 }
    return divisors.last { $0 * bytes % 8 == 0 } ?? divisors.last ?? 1
  }

  package var cellCount: Int { parts.reduce(0) { $0 + cellCount(of: $1) } }

  package func cellCount(of part: Part) -> Int { rows * part.piecesPerRow }

  package var elementCount: Int {
    switch form {
    case .image(let channels, let height, let width): channels * height * width
    case .flat(let count): count
    }
  }

  /// All cells in the order of their numbers.
  package var cells: [Cell] {
    parts.indices.flatMap { number in
      let part = parts[number]
      return (0..<rows).flatMap { row in
        (0..<part.piecesPerRow).map { piece in
          let first = piece * part.pieceElements
          return Cell(
            part: number, row: row, elements: first..<min(first + part.pieceElements, part.rowElements))
        }
      }
    }
  }

  /// Which elements of the tensor, in its own row-major order, a cell has.
  package func indices(of cell: Cell) -> [Int] {
    let channels = parts[cell.part].channels
    switch form {
    case .flat: return cell.elements.map { channels.lowerBound + $0 }
    case .image(_, let height, let width):
      return cell.elements.map { element in
        let (column, channel) = (element / channels.count, channels.lowerBound + element % channels.count)
        return (channel * height + cell.row) * width + column
      }
    }
  }

  package func bytes(of cell: Cell) -> Int { cell.elements.count * elementBytes }

  /// The payloads of a tensor's cells, each padded with zeros to the size of a cell's.
  package func payloads(of tensor: [Int64], cells format: CellFormat) -> [[UInt8]] {
    cells.map { cell in
      var payload: [UInt8] = []
      payload.reserveCapacity(format.payloadBytes)
      for index in indices(of: cell) {
        withUnsafeBytes(of: tensor[index].littleEndian) { payload += $0.prefix(elementBytes) }
      }
      return payload + [UInt8](repeating: 0, count: format.payloadBytes - payload.count)
    }
  }

  /// Puts what a cell brings into a tensor.
  package func store(_ payload: some RandomAccessCollection<UInt8>, of cell: Cell, in tensor: inout [Int64]) {
    var at = payload.startIndex
    for index in indices(of: cell) {
      var bits: UInt64 = 0
      for byte in 0..<elementBytes {
        bits |= UInt64(payload[at]) << UInt64(8 * byte)
        payload.formIndex(after: &at)
      }
      let unused = UInt64(64 - 8 * elementBytes)
      tensor[index] = Int64(bitPattern: bits << unused) >> Int64(unused)
    }
  }
}
