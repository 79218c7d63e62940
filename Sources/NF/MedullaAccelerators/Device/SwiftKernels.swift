import Glibc
import Synchronization

/// The kernels of `kernels.cu` in Swift: what the CPU runs, and a simulated device where speed matters more
/// than the instructions. Tests hold both to the same bytes.
enum SwiftKernels {
  /// Whether there is a Swift form of it.
  static func has(_ kernel: DeviceKernel) -> Bool { kernel != .integerNetwork }

  static func run<Memory: KernelMemory>(
    _ launch: KernelLaunch, memory: inout Memory
  ) throws(AcceleratorError) {
    let bits = launch.arguments.map(\.bits)
    switch launch.kernel {
    case .gather: try gather(bits, &memory)
    case .gatherPersistent: try gatherPersistent(launch, bits, &memory)
    case .bytesToFloat: try bytesToFloat(bits, &memory)
    case .integerNetwork:
      throw AcceleratorError(.unavailable, "\(launch.kernel.rawValue) has no form in Swift")
    }
  }

  private static func gather<Memory: KernelMemory>(
    _ bits: [UInt64], _ memory: inout Memory
  ) throws(AcceleratorError) {
    let count = Int(bits[1])
    guard count > 0 else { return }
    let pieces = try memory.resolve(bits[0], byteCount: count * DevicePiece.byteCount, isWrite: false)
    for index in 0..<count {
      try move(pieces.load(fromByteOffset: index * DevicePiece.byteCount, as: DevicePiece.self), &memory)
    }
  }

  private static func move<Memory: KernelMemory>(
    _ piece: DevicePiece, _ memory: inout Memory
  ) throws(AcceleratorError) {
    let length = Int(piece.length)
    guard length > 0 else { return }
    let source = try memory.resolve(piece.source, byteCount: length, isWrite: false)
    let destination = try memory.resolve(piece.destination, byteCount: length, isWrite: true)
    memcpy(destination, source, length)
  }

  /// One warp for all: `done` of every warp gets the same count.
  private static func gatherPersistent<Memory: KernelMemory>(
    _ launch: KernelLaunch, _ bits: [UInt64], _ memory: inout Memory
  ) throws(AcceleratorError) {
    let (mask, polls) = (UInt32(truncatingIfNeeded: bits[3]), UInt32(truncatingIfNeeded: bits[4]))
    let ring = try memory.resolve(bits[0], byteCount: ResidentRing.headBytes, isWrite: false)
    let pieces = try memory.resolve(
      bits[1], byteCount: (Int(mask) + 1) * DevicePiece.byteCount, isWrite: false)
    let warps = launch.blocks * launch.threads / ResidentRing.lanes
    let done = try memory.resolve(bits[2], byteCount: warps * ResidentRing.doneStride, isWrite: true)
    let published = SharedWord(ring)
    let stop = SharedWord(ring + MemoryLayout<UInt32>.size)
    var next = SharedWord(done).load()
    var idle: UInt32 = 0
    while idle < polls {
      let end = published.load()
      if end == next {
        if stop.load() != 0 { return }
        idle += 1
        sched_yield()
        continue
      }
      idle = 0
      while next != end {
        let offset = Int(next & mask) * DevicePiece.byteCount
        try move(pieces.load(fromByteOffset: offset, as: DevicePiece.self), &memory)
        next &+= 1
      }
      for warp in 0..<warps { SharedWord(done + warp * ResidentRing.doneStride).store(next) }
    }
  }

  private static func bytesToFloat<Memory: KernelMemory>(
    _ bits: [UInt64], _ memory: inout Memory
  ) throws(AcceleratorError) {
    let count = Int(bits[2])
    guard count > 0 else { return }
    let bytes = try memory.resolve(bits[0], byteCount: count, isWrite: false)
      .assumingMemoryBound(to: UInt8.self)
    let floats = try memory.resolve(bits[1], byteCount: count * 4, isWrite: true)
      .assumingMemoryBound(to: Float.self)
    let scale = Float(bitPattern: UInt32(truncatingIfNeeded: bits[3]))
    let bias = Float(bitPattern: UInt32(truncatingIfNeeded: bits[4]))
    for index in 0..<count { floats[index] = Float(bytes[index]) * scale + bias }
  }
}

/// A word that host and kernel share: loads see all that was written before the store that they read.
struct SharedWord {
  private let word: UnsafeMutablePointer<Atomic<UInt32>>

  init(_ pointer: UnsafeMutableRawPointer) {
    word = pointer.assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  func load() -> UInt32 { word.pointee.load(ordering: .acquiring) }
  func store(_ value: UInt32) { word.pointee.store(value, ordering: .releasing) }
}
