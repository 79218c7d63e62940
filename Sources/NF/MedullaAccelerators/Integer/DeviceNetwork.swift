import MedullaSnapshot
import Synchronization

/// A snapshot on a device, run by the integer kernel: the reference interpreter's bits.
///
/// Any number of threads may ask; one is answered at a time.
package final class DeviceNetwork: @unchecked Sendable {
  package let program: DeviceProgram
  private let driver: any DeviceDriver
  private let lock = Mutex(())
  // Below `lock`.
  private let stream: DeviceStream
  private let code: DeviceAddress
  private let staging: PinnedMemory
  private let inputs: DeviceAddress
  private let outputs: DeviceAddress
  private let memory: DeviceAddress

  /// Rows of one launch, and blocks of it; a block has working memory of its own.
  static let rowLimit = 256
  static let blockLimit = 64
  static let threadLimit = 128

  /// - Throws: `unsuitable` for a network that is too large, `outOfMemory`, and what the device fails with.
  package init(_ snapshot: Snapshot, driver: any DeviceDriver) throws(AcceleratorError) {
    let program = try DeviceProgram(snapshot)
    self.program = program
    self.driver = driver
    let stream = try driver.makeStream()
    self.stream = stream
    code = try driver.allocate(byteCount: program.words.count * 8)
    inputs = try driver.allocate(byteCount: Self.rowLimit * program.inputs * 8)
    outputs = try driver.allocate(byteCount: Self.rowLimit * program.outputs * 8)
    memory = try driver.allocate(byteCount: Self.blockLimit * 2 * program.widest * 8)
    staging = try driver.allocatePinned(byteCount: Self.rowLimit * program.inputs * 8)
    let image = try driver.allocatePinned(byteCount: program.words.count * 8)
    program.words.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { image.pointer.copyMemory(from: base, byteCount: bytes.count) }
    }
    try driver.copy(
      DeviceCopy(source: image.pointer, destination: code, byteCount: program.words.count * 8), on: stream)
    let copied = try driver.record(on: stream)
    try driver.wait(for: copied)
    driver.discard(copied)
    try driver.freePinned(image)
  }

  deinit {
    for address in [code, inputs, outputs, memory] { try? driver.free(address) }
    try? driver.freePinned(staging)
  }

  /// Outputs of rows that each have as many words as the network inputs.
  package func run(_ rows: [[Int64]]) throws(AcceleratorError) -> [[Int64]] {
    nonisolated(unsafe) var all: [[Int64]] = []
    try lock.withLock { _ throws(AcceleratorError) in
      for start in stride(from: 0, to: rows.count, by: Self.rowLimit) {
        all += try runSome(rows[start..<min(start + Self.rowLimit, rows.count)])
      }
    }
    return all
  }

  private func runSome(_ rows: ArraySlice<[Int64]>) throws(AcceleratorError) -> [[Int64]] {
    let words = rows.flatMap { $0 }
    guard words.count == rows.count * program.inputs else {
      throw AcceleratorError(.outOfBounds, "a row does not have \(program.inputs) features")
    }
    words.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { staging.pointer.copyMemory(from: base, byteCount: bytes.count) }
    }
    try driver.copy(
      DeviceCopy(source: staging.pointer, destination: inputs, byteCount: words.count * 8), on: stream)
    let threads = min(Self.threadLimit, (program.widest + 31) / 32 * 32)
    try driver.launch(
      KernelLaunch(
        .integerNetwork, blocks: min(rows.count, Self.blockLimit), threads: threads,
        [
          .address(code), .address(inputs), .address(outputs), .address(memory), .word(UInt32(rows.count)),
        ]), on: stream)
    var given = [Int64](repeating: 0, count: rows.count * program.outputs)
    var thrown: AcceleratorError?
    given.withUnsafeMutableBytes { bytes in
      do throws(AcceleratorError) {
        try driver.copyBack(outputs, to: bytes, on: stream)
      } catch { thrown = error }
    }
    if let thrown { throw thrown }
    return stride(from: 0, to: given.count, by: program.outputs).map {
      Array(given[$0..<$0 + program.outputs])
    }
  }
}
