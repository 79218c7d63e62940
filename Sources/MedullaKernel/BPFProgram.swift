import CLibBPF
import Glibc

/// A program in the kernel, by its own descriptor.
package struct BPFProgram: Sendable {
  let descriptor: Descriptor
  /// For calls that no function here makes; it lives as long as this does.
  package var descriptorNumber: Int32 { descriptor.number }
  package let name: String

  init(owning descriptor: Descriptor, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  /// The program pinned at `path`.
  package init(pinned path: String) throws(KernelError) {
    let number = bpf_obj_get(path)
    guard number >= 0 else { throw .system("open pinned program \(path)", number: number) }
    self.init(
      owning: Descriptor(owning: number), name: path.split(separator: "/").last.map(String.init) ?? path)
  }

  package func pin(at path: String) throws(KernelError) {
    let status = bpf_obj_pin(descriptor.number, path)
    guard status == 0 else { throw .system("pin program \(name) at \(path)", number: status) }
  }

  /// What the kernel knows of a loaded program.
  package struct Facts: Equatable, Sendable {
    package let identifier: UInt32
    /// Bytes of translated eBPF.
    package let translatedBytes: Int
    /// Bytes of machine code; 0 when the JIT is off.
    package let machineCodeBytes: Int
    /// Bytes of machine code of the program's functions, the program itself first.
    package let functionBytes: [Int]
    /// Instructions that the verifier walked through.
    package let verifiedInstructions: Int
    /// Time and runs while run statistics were on (`BPFRunStatistics`).
    package let runNanoseconds: UInt64
    package let runs: UInt64
    /// Runs left out because the program was running on that processor already.
    package let recursionMisses: UInt64
  }

  package func facts() throws(KernelError) -> Facts {
    var info = bpf_prog_info()
    var size = UInt32(MemoryLayout<bpf_prog_info>.size)
    let status = bpf_prog_get_info_by_fd(descriptor.number, &info, &size)
    guard status == 0 else { throw .system("read the description of program \(name)", number: status) }
    return Facts(
      identifier: info.id, translatedBytes: Int(info.xlated_prog_len),
      machineCodeBytes: Int(info.jited_prog_len), functionBytes: try functionBytes(info.nr_jited_func_lens),
      verifiedInstructions: Int(info.verified_insns),
      runNanoseconds: info.run_time_ns, runs: info.run_cnt, recursionMisses: info.recursion_misses)
  }

  private func functionBytes(_ count: UInt32) throws(KernelError) -> [Int] {
    var lengths = [UInt32](repeating: 0, count: Int(count))
    let status = medulla_function_lengths(descriptor.number, &lengths, count)
    guard status == 0 else { throw .system("read the functions of program \(name)", number: status) }
    return lengths.map(Int.init)
  }

  /// Runs an iterator program over every element of a map, and gives what it wrote.
  package func iterate(over map: BPFMap) throws(KernelError) -> [UInt8] {
    let link = medulla_link_map_iterator(descriptor.number, map.descriptor.number)
    guard link >= 0 else { throw .system("attach iterator \(name) to map \(map.name)", number: link) }
    return try read(iterator: link)
  }

  /// Runs an iterator program over all that it is of, and gives what it wrote: of what belongs to network
  /// namespaces, in each that can be entered.
  package func iterateOverNamespaces() throws(KernelError) -> [UInt8] {
    var output: [UInt8] = []
    try NetworkNamespaces.each { () throws(KernelError) in
      let link = medulla_link_iterator(descriptor.number)
      guard link >= 0 else { throw .system("attach iterator \(name)", number: link) }
      output += try read(iterator: link)
    }
    return output
  }

  private func read(iterator link: Int32) throws(KernelError) -> [UInt8] {
    let attachment = Descriptor(owning: link)
    let number = bpf_iter_create(attachment.number)
    guard number >= 0 else { throw .system("start iterator \(name)", number: number) }
    let iterator = Descriptor(owning: number)
    var output: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let length = Glibc.read(iterator.number, &part, part.count)
      if length == 0 { return output }
      if length > 0 {
        output += part[..<length]
      } else if errno != EAGAIN && errno != EINTR {
        throw .system("run iterator \(name)")
      }
    }
  }

  package struct TestRun: Equatable, Sendable {
    package let result: UInt32
    /// The mean of one run, in whole nanoseconds, over all repeats of this call.
    package let nanoseconds: Int
  }

  /// The smallest packet that the kernel takes for a test run, and a little more.
  private static let packet = [UInt8](repeating: 0, count: 64)

  /// Runs the program on an empty packet, without attaching it.
  @discardableResult
  package func testRun(repeats: Int = 1) throws(KernelError) -> TestRun {
    guard let repeats = Int32(exactly: repeats), repeats > 0 else {
      throw KernelError(.invalid, "test run of \(name): \(repeats) repeats")
    }
    var result: UInt32 = 0
    var nanoseconds: UInt32 = 0
    let status = medulla_test_run(
      descriptor.number, Self.packet, UInt32(Self.packet.count), repeats, &result, &nanoseconds)
    guard status == 0 else { throw .system("test run of program \(name)", number: status) }
    return TestRun(result: result, nanoseconds: Int(nanoseconds))
  }
}

extension BPFProgram {
  package struct PacketRun: Equatable, Sendable {
    /// What the program returned.
    package let verdict: UInt32
    /// The packet after it.
    package let bytes: [UInt8]
  }

  /// Room that a program may add to a packet.
  private static let packetGrowth = 256

  /// Runs the program on a packet, without attaching it.
  ///
  /// - Parameter segment: for tc, the payload of each segment that the packet stands for; 0: it is one.
  /// - Throws: what the kernel says of a packet that is shorter than an Ethernet header, or too long.
  package func run(on packet: [UInt8], segment: Int = 0) throws(KernelError) -> PacketRun {
    guard let length = UInt32(exactly: packet.count), let segment = UInt32(exactly: segment) else {
      throw KernelError(.invalid, "run \(name) on a packet of \(packet.count) bytes")
    }
    var bytes = [UInt8](repeating: 0, count: packet.count + Self.packetGrowth)
    var size = UInt32(clamping: bytes.count)
    var verdict: UInt32 = 0
    let status = medulla_test_packet(
      descriptor.number, packet, length, segment, &bytes, &size, &verdict)
    guard status == 0 else {
      throw .system("run program \(name) on a packet of \(packet.count) bytes", number: status)
    }
    return PacketRun(verdict: verdict, bytes: Array(bytes.prefix(Int(size))))
  }
}

/// While one exists, the kernel counts runs and time of every program (`BPF_ENABLE_STATS`).
///
/// Costs two clock reads on each run of each program, so it is off by default.
package final class BPFRunStatistics {
  private let descriptor: Descriptor

  package init() throws(KernelError) {
    let number = bpf_enable_stats(BPF_STATS_RUN_TIME)
    guard number >= 0 else { throw .system("enable run statistics", number: number) }
    descriptor = Descriptor(owning: number)
  }
}
