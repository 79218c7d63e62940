import Glibc

/// The memory of a simulated device: what is allocated there, and what of the host it may reach, each at
/// addresses that mean nothing to the host.
final class SimulatedMemory {
  enum Kind: Sendable { case device, pinned, registered(isReadOnly: Bool) }

  /// A place; who reads or writes there is the device's affair.
  struct Region: @unchecked Sendable {
    let base: UInt64
    let byteCount: Int
    let pointer: UnsafeMutableRawPointer
    let kind: Kind

    var end: UInt64 { base + UInt64(byteCount) }
  }

  /// By their bases, lowest first. A value: a kernel that runs keeps the regions that it began with.
  private(set) var regions: [Region] = []
  private(set) var deviceBytes = 0
  private let limit: Int
  private var next: [UInt64] = [0xD000_0000_0000, 0xE000_0000_0000]

  /// Between regions, so that what runs over the end of one is found.
  private static let gap: UInt64 = 1 << 16
  /// Of addresses, as the device's own allocations have it.
  private static let alignment: UInt64 = 512
  static let regionLimit = 4_096

  init(limit: Int) { self.limit = limit }

  deinit {
    for region in regions { Self.release(region) }
  }

  private static func release(_ region: Region) {
    if case .registered = region.kind { return }
    Glibc.free(region.pointer)
  }

  func allocate(_ byteCount: Int, _ kind: Kind) throws(AcceleratorError) -> Region {
    let isDevice = if case .device = kind { true } else { false }
    guard byteCount > 0, !isDevice || byteCount <= limit - deviceBytes else {
      throw AcceleratorError(
        .outOfMemory, "the device has no \(byteCount) bytes left", cause: "it has \(limit)",
        remedy: "use fewer or smaller tensors")
    }
    var pointer: UnsafeMutableRawPointer?
    guard posix_memalign(&pointer, Int(Self.alignment), byteCount) == 0, let pointer else {
      throw AcceleratorError(.outOfMemory, "the host has no \(byteCount) bytes for a simulated device")
    }
    // As on a device, what lies there first is nobody's.
    memset(pointer, 0xA5, byteCount)
    if isDevice { deviceBytes += byteCount }
    return try add(pointer, byteCount, kind, alignedLike: 0)
  }

  func register(
    _ memory: UnsafeRawBufferPointer, isReadOnly: Bool
  ) throws(AcceleratorError) -> Region {
    guard let base = memory.baseAddress, memory.count > 0 else {
      throw AcceleratorError(.failed, "no memory to register")
    }
    let pointer = UnsafeMutableRawPointer(mutating: base)
    let overlaps = regions.contains { region in
      if case .device = region.kind { return false }
      return pointer < region.pointer + region.byteCount && region.pointer < pointer + memory.count
    }
    guard !overlaps else {
      throw AcceleratorError(
        .failed, "some of the memory is registered already", remedy: "register a memory once, as a whole")
    }
    return try add(
      pointer, memory.count, .registered(isReadOnly: isReadOnly),
      alignedLike: UInt64(UInt(bitPattern: pointer)))
  }

  /// The low bits of an address are the host's, as on a real device: alignment carries over.
  private func add(
    _ pointer: UnsafeMutableRawPointer, _ byteCount: Int, _ kind: Kind, alignedLike host: UInt64
  ) throws(AcceleratorError) -> Region {
    guard regions.count < Self.regionLimit else {
      throw AcceleratorError(.busy, "a simulated device has at most \(Self.regionLimit) regions")
    }
    let space = if case .device = kind { 0 } else { 1 }
    let base = next[space] + host % Self.alignment
    let region = Region(base: base, byteCount: byteCount, pointer: pointer, kind: kind)
    let end = region.end + Self.gap
    next[space] = (end + Self.alignment - 1) / Self.alignment * Self.alignment
    let place = regions.firstIndex { $0.base > base } ?? regions.endIndex
    regions.insert(region, at: place)
    return region
  }

  /// Takes away what begins there.
  func remove(at base: UInt64, where matches: (Kind) -> Bool) throws(AcceleratorError) {
    guard let index = regions.firstIndex(where: { $0.base == base && matches($0.kind) }) else {
      throw AcceleratorError(.unknownHandle, "nothing of that kind begins at \(DeviceAddress(base))")
    }
    let region = regions.remove(at: index)
    if case .device = region.kind { deviceBytes -= region.byteCount }
    Self.release(region)
  }

  func registration(at pointer: UnsafeRawPointer?) -> Region? {
    regions.first { region in
      if case .registered = region.kind { UnsafeRawPointer(region.pointer) == pointer } else { false }
    }
  }

  /// Whether a copy call may read there at its leisure: only what is pinned or registered.
  func isReachable(_ pointer: UnsafeRawPointer, _ byteCount: Int) -> Bool {
    regions.contains { region in
      if case .device = region.kind { return false }
      return pointer >= UnsafeRawPointer(region.pointer)
        && pointer + byteCount <= UnsafeRawPointer(region.pointer + region.byteCount)
    }
  }
}

/// The regions as a kernel or a copy finds them.
struct SimulatedKernelMemory: KernelMemory {
  private let regions: [SimulatedMemory.Region]
  private var last = 0

  init(_ regions: [SimulatedMemory.Region]) { self.regions = regions }

  mutating func resolve(
    _ address: UInt64, byteCount: Int, isWrite: Bool
  ) throws(AcceleratorError) -> UnsafeMutableRawPointer {
    if !regions.indices.contains(last) || !holds(regions[last], address, byteCount) {
      // The last region that begins at or before the address.
      var (low, high) = (0, regions.count)
      while low < high {
        let middle = (low + high) / 2
        if regions[middle].base <= address { low = middle + 1 } else { high = middle }
      }
      guard low > 0, holds(regions[low - 1], address, byteCount) else {
        throw AcceleratorError(
          .failed, "an illegal address", cause: "\(byteCount) bytes at \(DeviceAddress(address))",
          remedy: "only what is allocated on the device or registered can be used there")
      }
      last = low - 1
    }
    let region = regions[last]
    if isWrite, case .registered(isReadOnly: true) = region.kind {
      throw AcceleratorError(
        .failed, "a write to memory that is registered for reading",
        cause: "\(byteCount) bytes at \(DeviceAddress(address))")
    }
    return region.pointer + Int(address - region.base)
  }

  private func holds(_ region: SimulatedMemory.Region, _ address: UInt64, _ byteCount: Int) -> Bool {
    address >= region.base && address - region.base <= UInt64(region.byteCount)
      && UInt64(region.byteCount) - (address - region.base) >= UInt64(byteCount)
  }
}
