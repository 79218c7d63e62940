import CMedullaFabric
import Glibc
import MedullaKernel

/// A client's way into a fabric: cells out and in.
final class CellSocket {
  private let number: Int32
  let format: CellFormat
  private var incoming: [UInt8]
  var disturbance: ((inout [[UInt8]]) -> Void)?

  /// - Throws: `system` without root, or when the fabric's namespace is gone.
  init(_ names: FabricNames, client: Int, format: CellFormat) throws(FabricError) {
    self.format = format
    incoming = [UInt8](repeating: 0, count: format.bytes * Int(FABRIC_BATCH))
    number = try onKernel { () throws(KernelError) in
      try NetworkNamespaces.inside(FabricNames.path(ofNamespace: names.clientNamespace)) {
        () throws(KernelError) in
        let number = fabric_open_socket(FabricNames.clientInterface, UInt16(client))
        guard number >= 0 else {
          throw .system("open a socket at the fabric \(names.fabric)", number: number)
        }
        return number
      }
    }
  }

  deinit { close(number) }

  /// Sends frames that lie one behind the other. Those that find no room are lost, like any others.
  func send(_ wanted: [UInt8]) throws(FabricError) {
    let frames = disturbance.map { disturb($0, wanted) } ?? wanted
    var sent = 0
    let count = frames.count / format.bytes
    while sent < count {
      let status = frames.withUnsafeBufferPointer {
        fabric_send_frames(
          number, $0.baseAddress?.advanced(by: sent * format.bytes), UInt32(format.bytes),
          UInt32(count - sent))
      }
      guard status >= 0 else { throw FabricError(KernelError.system("send cells", number: status)) }
      if status == 0 { return }
      sent += Int(status)
    }
  }

  private func disturb(_ disturbance: (inout [[UInt8]]) -> Void, _ frames: [UInt8]) -> [UInt8] {
    var each = stride(from: 0, to: frames.count, by: format.bytes).map {
      Array(frames[$0..<$0 + format.bytes])
    }
    disturbance(&each)
    return Array(each.joined())
  }

  /// Gives each frame that is there to `body`.
  func receive(_ body: (UnsafeBufferPointer<UInt8>) -> Void) throws(FabricError) -> Int {
    let bytes = format.bytes
    var failure: Int32 = 0
    let count = incoming.withUnsafeMutableBufferPointer { buffer -> Int in
      guard let base = buffer.baseAddress else { return 0 }
      let status = fabric_receive_frames(number, base, UInt32(bytes), UInt32(FABRIC_BATCH))
      guard status >= 0 else {
        failure = status
        return 0
      }
      for frame in 0..<Int(status) {
        body(UnsafeBufferPointer(start: base + frame * bytes, count: bytes))
      }
      return Int(status)
    }
    guard failure == 0 else { throw FabricError(KernelError.system("receive cells", number: failure)) }
    return count
  }

  func wait(_ time: Duration) throws(FabricError) {
    let nanoseconds =
      UInt64(max(time.components.seconds, 0)) * 1_000_000_000
      + UInt64(max(time.components.attoseconds, 0) / 1_000_000_000)
    let status = fabric_wait(number, nanoseconds)
    guard status >= 0 else { throw FabricError(KernelError.system("wait for cells", number: status)) }
  }
}
