import CMedullaFabric
import MedullaKernel

/// A switch whose work a process does: its memory is a file that all processes share, as they do a kernel's
/// arena.
package final class UserspaceSwitch: FabricSwitch {
  /// Makes the memory, which is zero.
  ///
  /// - Parameters:
  ///   - number: another one for each switch that a process has.
  ///   - bytes: for tasks.
  init(making path: String, number: Int, memoryBytes bytes: Int) throws(KernelError) {
    let shared = try SharedMemory.make(path, bytes: Self.totalBytes(for: bytes), at: Self.address(number))
    try shared.reserve(0..<MemoryLayout<fabric_switch>.size)
    super.init(Self.memory(shared))
    header.pointee.lane_count = 1
  }

  /// A switch that another process has made, to read it or to change its ways.
  init(sharedAt path: String, number: Int) throws(KernelError) {
    super.init(Self.memory(try SharedMemory.open(path, at: Self.address(number))))
  }

  private static func memory(_ shared: SharedMemory) -> SwitchMemory {
    SwitchMemory(
      base: shared.base, byteCount: shared.byteCount, first: MemoryLayout<fabric_switch>.size, owner: shared
    ) { range throws(FabricError) in
      try onKernel { () throws(KernelError) in try shared.reserve(range) }
    }
  }
}
