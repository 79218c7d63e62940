import CMedullaNF
import Glibc
import MedullaBase

/// The memory that frames are received into, shared with network functions: a `memfd` of fixed size.
///
/// Who writes: the kernel, this process, and functions that the chain's file lets. Others have a descriptor
/// that only reads, of a memory whose owner's user alone may open it again; where no function may write, the
/// memory is also sealed against new mappings for writing, so that not even root maps it so.
package final class PacketMemory: @unchecked Sendable {
  /// Bytes before a frame's first: the kernel's own 256, and 38 by which payload of UDP behind 42 bytes of
  /// headers lies at a multiple of 16, and the stamp in one cache line, which another processor reads.
  package static let headroom = 38
  package static let dataOffset = 256 + headroom
  private static let hugePage = 2 << 20

  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  package let frameBytes: Int
  package let frameCount: Int
  package let isHuge: Bool
  /// Of a stamp, from a frame's start.
  private(set) var stampOffset = PacketMemory.dataOffset - MemoryLayout<nf_stamp>.size
  private let writing: Int32
  private let reading: Int32

  /// - Parameter isSealed: no one will ever map it for writing but this process.
  package init(_ settings: MemorySettings, name: String, isSealed: Bool) throws(NFError) {
    let wanted = settings.frames * settings.frameBytes
    (writing, isHuge) = try Self.make(wanted, settings.hugePages, name)
    byteCount = isHuge ? Self.rounded(wanted) : wanted
    frameBytes = settings.frameBytes
    frameCount = settings.frames
    // A page's first touch costs microseconds, which no frame should pay.
    let mapped = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | Int32(MAP_POPULATE), writing, 0)
    guard let mapped, mapped != MAP_FAILED else {
      let number = errno
      close(writing)
      throw .system("map \(byteCount) bytes of packet memory", number)
    }
    base = mapped
    reading = nf_open_for_reading(writing)
    let sealed = isSealed && reading >= 0 ? nf_seal_writes(writing) : 0
    guard reading >= 0, sealed == 0 else {
      let number = reading < 0 ? reading : sealed
      munmap(mapped, byteCount)
      close(writing)
      if reading >= 0 { close(reading) }
      throw .system("seal packet memory", number)
    }
  }

  deinit {
    munmap(base, byteCount)
    close(writing)
    close(reading)
  }

  private static func rounded(_ bytes: Int) -> Int { (bytes + hugePage - 1) / hugePage * hugePage }

  private static func make(
    _ bytes: Int, _ pages: MemorySettings.Pages, _ name: String
  ) throws(NFError) -> (descriptor: Int32, isHuge: Bool) {
    if pages != .no {
      let huge = nf_make_memory("medulla-\(name)", UInt64(rounded(bytes)), 1)
      if huge >= 0 {
        if hasPages(huge, rounded(bytes)) { return (huge, true) }
        close(huge)
      }
      if pages == .require {
        throw NFError(
          .resources, "packet memory needs \(rounded(bytes) / hugePage) huge pages, and fewer are free",
          remedy: "sysctl vm.nr_hugepages=\(rounded(bytes) / hugePage), or `huge_pages: prefer`")
      }
    }
    let normal = nf_make_memory("medulla-\(name)", UInt64(bytes), 0)
    guard normal >= 0 else { throw .system("make \(bytes) bytes of packet memory", normal) }
    return (normal, false)
  }

  /// Whether the pages can be had: a mapping reserves them, and fails where the pool is too small.
  private static func hasPages(_ descriptor: Int32, _ bytes: Int) -> Bool {
    let mapped = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let mapped, mapped != MAP_FAILED else { return false }
    munmap(mapped, bytes)
    return true
  }

  convenience init(_ settings: ChainSettings) throws(NFError) {
    try self.init(
      settings.memory, name: settings.name, isSealed: !settings.functions.contains(where: \.isWritable))
  }

  /// Another engine's frames begin elsewhere; before anything is received.
  func putStamps(before offset: Int) { stampOffset = offset - MemoryLayout<nf_stamp>.size }

  var pageBytes: Int { isHuge ? Self.hugePage : Int(sysconf(Int32(_SC_PAGESIZE))) }

  /// What a function gets.
  func descriptor(isWritable: Bool) -> Int32 { isWritable ? writing : reading }

  /// What is written before a frame; it does not lie at a multiple of 8.
  @inline(__always)
  func stamp(ofFrame frame: Int) -> nf_stamp {
    base.loadUnaligned(fromByteOffset: frame &* frameBytes &+ stampOffset, as: nf_stamp.self)
  }

  @inline(__always)
  func write(_ stamp: nf_stamp, beforeFrame frame: Int) {
    base.storeBytes(of: stamp, toByteOffset: frame &* frameBytes &+ stampOffset, as: nf_stamp.self)
  }
}
