extension PTXWarp {
  func load<Memory: KernelMemory>(
    _ i: PTXInstruction, _ mask: UInt32, _ memory: inout Memory
  ) throws(AcceleratorError) {
    let size = i.bits / 8
    for lane in 0..<Self.lanes where mask & (1 << UInt32(lane)) != 0 {
      let pointer = try address(i, lane, byteCount: size * i.results.count, isWrite: false, &memory)
      for (index, register) in i.results.enumerated() {
        let value = Self.read(pointer + index * size, i)
        registers[register * Self.lanes + lane] = Self.low(
          Self.extended(value, i.bits, i.isSigned), i.resultBits)
      }
    }
  }

  func store<Memory: KernelMemory>(
    _ i: PTXInstruction, _ mask: UInt32, _ memory: inout Memory
  ) throws(AcceleratorError) {
    let size = i.bits / 8
    for lane in 0..<Self.lanes where mask & (1 << UInt32(lane)) != 0 {
      let pointer = try address(i, lane, byteCount: size * i.stored.count, isWrite: true, &memory)
      for (index, register) in i.stored.enumerated() {
        Self.write(registers[register * Self.lanes + lane], to: pointer + index * size, i)
      }
    }
  }

  /// The host's pointer for a lane's address, which must be a multiple of what is read there at once.
  private func address<Memory: KernelMemory>(
    _ i: PTXInstruction, _ lane: Int, byteCount: Int, isWrite: Bool, _ memory: inout Memory
  ) throws(AcceleratorError) -> UnsafeMutableRawPointer {
    let address = registers[i.a * Self.lanes + lane] &+ UInt64(bitPattern: i.offset)
    guard address & UInt64(byteCount - 1) == 0 else {
      throw AcceleratorError(
        .failed, "misaligned address", cause: "\(byteCount) bytes at \(DeviceAddress(address))")
    }
    return try memory.resolve(address, byteCount: byteCount, isWrite: isWrite)
  }

  private static func read(_ pointer: UnsafeMutableRawPointer, _ i: PTXInstruction) -> UInt64 {
    switch i.bits {
    case 8: UInt64(pointer.load(as: UInt8.self))
    case 16: UInt64(pointer.load(as: UInt16.self))
    case 32 where i.isVolatile: UInt64(SharedWord(pointer).load())
    case 32: UInt64(pointer.load(as: UInt32.self))
    default: pointer.load(as: UInt64.self)
    }
  }

  private static func write(_ value: UInt64, to pointer: UnsafeMutableRawPointer, _ i: PTXInstruction) {
    switch i.bits {
    case 8: pointer.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
    case 16: pointer.storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
    case 32 where i.isVolatile: SharedWord(pointer).store(UInt32(truncatingIfNeeded: value))
    case 32: pointer.storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
    default: pointer.storeBytes(of: value, as: UInt64.self)
    }
  }
}
