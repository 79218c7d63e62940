/// Device memory as a kernel in Swift sees it.
protocol KernelMemory {
  /// The bytes at an address.
  ///
  /// - Throws: `failed` for what is neither allocated nor registered, as on a GPU.
  mutating func resolve(
    _ address: UInt64, byteCount: Int, isWrite: Bool
  ) throws(AcceleratorError) -> UnsafeMutableRawPointer
}

/// Where the device's addresses are the host's own.
struct HostKernelMemory: KernelMemory {
  func resolve(
    _ address: UInt64, byteCount: Int, isWrite: Bool
  ) throws(AcceleratorError) -> UnsafeMutableRawPointer {
    guard let pointer = UnsafeMutableRawPointer(bitPattern: UInt(address)) else {
      throw AcceleratorError(.failed, "a kernel used the address 0")
    }
    return pointer
  }
}
