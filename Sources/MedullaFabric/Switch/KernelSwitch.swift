import CLibBPF
import CMedullaFabric
import MedullaKernel

/// A switch's programs and memory in the kernel.
///
/// Of each, what it is pinned as below its own folder is all that other processes need to find it again.
package final class KernelSwitch: FabricSwitch {
  private static let programs = [
    "fabric_receive", "fabric_process", "fabric_fill", "fabric_copy", "fabric_pass",
  ]
  private static let maps = ["fabric_memory", "fabric_ports", "fabric_spread", "fabric_processors"]
  /// Frames that wait for a processor.
  private static let queueFrames: UInt32 = 2_048
  private static let bursts = [2, 4, 8, 16, 32, 64]

  /// An entry of a map of devices (the interface's number) or of processors (the length of its queue), with
  /// the program that frames meet there: `bpf_devmap_val` and `bpf_cpumap_val`, which Swift knows no copy of.
  private struct Target: BitwiseCopyable {
    let number: UInt32
    let program: Int32
  }

  /// Where another process has it.
  package let folder: String
  private let programs: [String: BPFProgram]
  private let maps: [String: BPFMap]

  /// Loads the programs and pins them.
  ///
  /// - Parameters:
  ///   - number: another one for each switch that a process has.
  ///   - bytes: for tasks.
  package init(
    loading object: [UInt8], name: String, number: Int, memoryBytes bytes: Int, at folder: String
  ) throws(KernelError) {
    let total = Self.totalBytes(for: bytes)
    // The object has mapped the memory for itself, and lets go of it here.
    (programs, maps) = try Self.load(
      object, name, number, pages: total / Self.pageBytes)
    self.folder = folder
    try BPFFileSystem.makeDirectory(folder)
    for (name, program) in programs { try program.pin(at: "\(folder)/\(name)") }
    for (name, map) in maps { try map.pin(at: "\(folder)/\(name)") }
    super.init(try Self.memory(maps["fabric_memory"], number))
  }

  private static func load(
    _ bytes: [UInt8], _ name: String, _ number: Int, pages: Int
  ) throws(KernelError) -> (programs: [String: BPFProgram], maps: [String: BPFMap]) {
    let address = address(number)
    let object = try BPFObject(bytes: bytes, name: "fabric switch \(name)")
    try object.setEntries(of: "fabric_memory", to: pages)
    try object.setExtra(of: "fabric_memory", to: address)
    try object.setInitialBytes(withUnsafeBytes(of: address) { Array($0) }, ofMap: ".rodata")
    try object.load()
    var (programs, maps): ([String: BPFProgram], [String: BPFMap]) = ([:], [:])
    for name in Self.programs { programs[name] = try object.loadedProgram(name) }
    for name in Self.maps + bursts.map({ "fabric_burst_\($0)" }) { maps[name] = try object.loadedMap(name) }
    return (programs, maps)
  }

  /// A switch that is pinned at `folder`, to read it or to change its ways.
  package init(pinnedAt folder: String, number: Int) throws(KernelError) {
    self.folder = folder
    var (programs, maps): ([String: BPFProgram], [String: BPFMap]) = ([:], [:])
    for name in Self.programs { programs[name] = try BPFProgram(pinned: "\(folder)/\(name)") }
    for name in Self.maps { maps[name] = try BPFMap(pinned: "\(folder)/\(name)") }
    (self.programs, self.maps) = (programs, maps)
    super.init(try Self.memory(maps["fabric_memory"], number))
  }

  private static func memory(_ map: BPFMap?, _ number: Int) throws(KernelError) -> SwitchMemory {
    guard let map else { throw KernelError(.notFound, "the switch has no memory") }
    let arena = try ArenaMemory.of(map, at: address(number))
    return SwitchMemory(
      base: arena.base, byteCount: arena.byteCount, first: MemoryLayout<fabric_switch>.size, owner: arena)
  }

  private func program(_ name: String) throws(KernelError) -> BPFProgram {
    guard let program = programs[name] else { throw KernelError(.notFound, "the switch has no \(name)") }
    return program
  }

  private func map(_ name: String) throws(KernelError) -> BPFMap {
    guard let map = maps[name] else { throw KernelError(.notFound, "the switch has no map \(name)") }
    return map
  }

  /// Has the switch receive by an interface of the calling thread's namespace, and send by it.
  ///
  /// - Throws: `invalid` where the interface's number is beyond what a switch knows.
  package func attach(_ interface: UInt32, as port: Int) throws(KernelError) {
    guard interface < FABRIC_INTERFACES, port < FABRIC_PORTS else {
      throw KernelError(
        .invalid,
        "interface \(interface) as port \(port): a switch has interfaces below "
          + "\(FABRIC_INTERFACES) and ports below \(FABRIC_PORTS)")
    }
    setPort(of: interface, to: port)
    try map("fabric_ports").set(Target(number: interface, program: -1), at: UInt32(port))
    try map("fabric_spread").set(
      Target(number: interface, program: try program("fabric_copy").descriptorNumber), at: UInt32(port))
    if port == FABRIC_LOOP {
      let entry = Target(number: interface, program: try program("fabric_fill").descriptorNumber)
      for count in Self.bursts {
        let burst = try map("fabric_burst_\(count)")
        for key in 0..<count { try burst.set(entry, at: UInt32(key)) }
      }
    }
    let link = try BPFLink(attaching: program("fabric_receive"), to: .xdp, interface: interface)
    try link.pin(at: "\(folder)/port\(port)")
  }

  private func setPort(of interface: UInt32, to port: Int) {
    withUnsafeMutableBytes(of: &header.pointee.port_of) { $0[Int(interface)] = UInt8(port + 1) }
  }

  /// Has cells computed on so many processors.
  package func compute(on processors: Int) throws(KernelError) {
    if processors > 1 {
      let entries = try map("fabric_processors")
      let number = try program("fabric_process").descriptorNumber
      for processor in 0..<processors {
        try entries.set(Target(number: Self.queueFrames, program: number), at: UInt32(processor))
      }
    }
    header.pointee.lane_count = UInt64(processors)
  }

  /// Attaches the program that has a device of the calling thread's namespace take what is redirected to it.
  package func attachEnd(_ interface: UInt32) throws(KernelError) {
    let link = try BPFLink(attaching: program("fabric_pass"), to: .xdp, interface: interface)
    try link.pin(at: "\(folder)/end\(interface)")
  }
}
