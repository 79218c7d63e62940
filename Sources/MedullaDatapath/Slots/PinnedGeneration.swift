import CMedullaABI
import MedullaKernel

/// One program set of an instance, as it is pinned: its maps, its programs, and its control block in memory.
package final class PinnedGeneration {
  static let programPrefix = "program_"
  /// Where the program that does the function's work is pinned once more, after all others, and unpinned
  /// before them: a set that has it is whole. No name in C has a `-`.
  static let mainPin = "main-program"

  package let number: Int
  package let path: String
  package let control: ControlBlock
  /// The program that does the function's work.
  package let main: BPFProgram
  let slots: BPFMap
  let flowCounts: SlotFlowCounts
  private let counts: BPFMap
  private let maps: [String: BPFMap]
  private let programs: [String: BPFProgram]

  /// Opens all that is pinned at `path`, so that nothing is missing when another command unpins it.
  ///
  /// - Throws: `notFound` when a pin is missing; `foreignVersion` for another version's.
  init(number: Int, path: String) throws {
    self.number = number
    self.path = path
    // The control block first: a whole set of another version lacks what this one opens next.
    control = try ControlBlock(BPFMap(pinned: path + "/medulla_control"))
    let version = control.version
    // 0: its attachment was cut short before it was filled in, so something else is missing too.
    guard version == ControlBlock.interfaceVersion || version == 0 else { throw Self.foreign(path, version) }
    var maps: [String: BPFMap] = [:]
    var programs: [String: BPFProgram] = [:]
    for entry in BPFFileSystem.contents(of: path) where entry != Self.mainPin {
      if entry.hasPrefix(Self.programPrefix) {
        let name = String(entry.dropFirst(Self.programPrefix.count))
        programs[name] = try BPFProgram(pinned: path + "/" + entry)
      } else {
        maps[entry] = try BPFMap(pinned: path + "/" + entry)
      }
    }
    (self.maps, self.programs) = (maps, programs)
    slots = try Self.find("medulla_slots", in: maps, path)
    let instance = PinnedInstance.path(ofGeneration: path)
    flowCounts = try SlotFlowCounts(
      flows: BPFMap(pinned: instance + "/" + SharedMaps.flowsName),
      shared: BPFMap(pinned: instance + "/" + SharedMaps.countersName))
    counts = try Self.find("medulla_counts", in: maps, path)
    // Last: what was removed meanwhile lost this pin first.
    main = try BPFProgram(pinned: path + "/" + Self.mainPin)
    guard version != 0 else { throw Self.foreign(path, version) }
  }

  /// Unpins a program set, so that one whose removal is cut short is known by it.
  static func unpin(_ path: String) throws(KernelError) {
    try BPFFileSystem.unpin(path + "/" + mainPin)
    try BPFFileSystem.removeTree(path)
  }

  /// A map of the program set, by its name in the source.
  package func map(_ name: String) throws -> BPFMap { try Self.find(name, in: maps, path) }

  /// A map that it shares with the instance's other program sets.
  package func table(of name: String) throws -> BPFMap {
    try BPFMap(pinned: PinnedInstance.path(ofGeneration: path) + "/" + name)
  }

  /// The pin of its first slot.
  package var firstPin: Int { control.firstPin }

  /// A program of the set, by its name in the source.
  package func program(_ name: String) throws -> BPFProgram { try Self.find(name, in: programs, path) }

  private static func find<Pin>(_ name: String, in pins: [String: Pin], _ path: String) throws(KernelError)
    -> Pin
  {
    guard let pin = pins[name] else { throw KernelError(.notFound, "\(path) has no pin of \(name)") }
    return pin
  }

  private static func foreign(_ path: String, _ version: UInt32) -> DatapathError {
    DatapathError(
      .foreignVersion,
      "\(path) was attached by a version with interface \(version), this one has "
        + "\(ControlBlock.interfaceVersion)",
      remedy: "detach it with the version that attached it, or `medulla detach`, and attach again")
  }

  /// The slots as the kernel has them now.
  func table() throws -> SlotTable {
    var table = control.table()
    for index in table.slots.indices {
      table.slots[index].flows = try flows(of: index).held
    }
    return table
  }

  func flows(of slot: Int) throws -> medulla_flows {
    try flowCounts.flows(of: pin(of: slot))
  }

  func counts(of slot: Int) throws -> medulla_counts {
    medulla_counts.total(try counts.valuesPerProcessor(at: UInt32(slot), as: medulla_counts.self))
  }

  /// For a slot that no flow holds and that gets another snapshot.
  func resetCounts(of slot: Int) throws {
    try counts.clear(at: UInt32(slot))
    try flowCounts.clear(pin(of: slot))
  }

  func pin(of slot: Int) -> Int { control.firstPin + slot }
}
