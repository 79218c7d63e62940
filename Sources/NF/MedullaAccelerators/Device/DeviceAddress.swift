/// An address that the device understands. On a GPU it is not one of the host's.
package struct DeviceAddress: Hashable, Sendable, CustomStringConvertible {
  package let raw: UInt64

  package init(_ raw: UInt64) { self.raw = raw }

  package func advanced(by bytes: Int) -> DeviceAddress {
    DeviceAddress(raw &+ UInt64(bitPattern: Int64(bytes)))
  }

  package var description: String { "0x" + String(raw, radix: 16) }
}

/// Host memory that the device can reach.
///
/// Who made it says when it goes; the pointer is for one owner at a time.
package struct PinnedMemory: @unchecked Sendable {
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int
  /// The same memory as the device sees it.
  package let address: DeviceAddress
}
