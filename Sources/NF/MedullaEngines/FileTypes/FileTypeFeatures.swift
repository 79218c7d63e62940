/// What the network of file types is shown of a file: bytes of its beginning and end without the white space
/// around them, or the answer itself, for files with too few bytes to be shown.
package enum FileTypeFeatures: Sendable, Equatable {
  case known(FileTypeAnswer)
  /// As many values as the configuration's `rowSize`.
  case row([Int32])

  /// - Parameter bytes: the whole file.
  package init(_ bytes: UnsafeRawBufferPointer, _ configuration: FileTypeConfiguration) {
    let block = min(bytes.count, configuration.blockSize)
    self.init(
      head: UnsafeRawBufferPointer(rebasing: bytes.prefix(block)),
      tail: UnsafeRawBufferPointer(rebasing: bytes.suffix(block)), size: bytes.count, configuration)
  }

  /// Of a file that is not in memory as a whole.
  ///
  /// - Parameters:
  ///   - head: its first bytes, as many as a block, or the whole file.
  ///   - tail: its last bytes, likewise.
  ///   - size: its bytes.
  package init(
    head: UnsafeRawBufferPointer, tail: UnsafeRawBufferPointer, size: Int,
    _ configuration: FileTypeConfiguration
  ) {
    let block = min(size, configuration.blockSize)
    precondition(head.count == block && tail.count == block, "both ends are a block, or the file")
    guard size > 0 else {
      self = .known(FileTypeAnswer(FileTypeAnswer.empty))
      return
    }
    let first = head.firstIndex { !Self.isSpace($0) } ?? head.endIndex
    let begin = head[first...].prefix(configuration.beginSize)
    guard size >= configuration.leastSize, begin.count >= configuration.leastSize else {
      self = .known(Self.few(head))
      return
    }
    let last = tail.lastIndex { !Self.isSpace($0) }.map { $0 + 1 } ?? tail.startIndex
    let end = tail[..<last].suffix(configuration.endSize)
    var row = [Int32](repeating: configuration.padding, count: configuration.rowSize)
    for (index, byte) in begin.enumerated() { row[index] = Int32(byte) }
    let start = row.count - end.count
    for (index, byte) in end.enumerated() { row[start + index] = Int32(byte) }
    self = .row(row)
  }

  /// Text, where the bytes are; of a longer file those of its first block.
  private static func few(_ bytes: UnsafeRawBufferPointer) -> FileTypeAnswer {
    let isText = String(validating: bytes, as: UTF8.self) != nil
    return FileTypeAnswer(isText ? FileTypeAnswer.text : FileTypeAnswer.unknown)
  }

  /// Space, and tabulator to carriage return.
  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
}
