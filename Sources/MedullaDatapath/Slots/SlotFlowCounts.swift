import CMedullaABI
import MedullaKernel

/// How many flows each pin of an instance has.
///
/// Programs count them as they come and go. One that the kernel passed by has not counted, and its flow would
/// hold the slot for ever; so a recount notes what is on the count and nowhere else.
package struct SlotFlowCounts {
  private let flows: BPFMap
  private let shared: MappedMap

  init(flows: BPFMap, shared: BPFMap) throws(KernelError) {
    self.flows = flows
    self.shared = try MappedMap(shared)
  }

  /// What the programs have counted.
  func counted(of pin: Int) throws -> medulla_flows {
    medulla_flows.total(try flows.valuesPerProcessor(at: UInt32(pin), as: medulla_flows.self))
  }

  /// With what a recount found.
  func flows(of pin: Int) throws -> medulla_flows {
    var counts = try counted(of: pin)
    counts.held = Self.held(counts.held, lost: lost(of: pin))
    return counts
  }

  /// A flow that comes and goes while processors are read one after the other may leave fewer than none.
  static func held(_ counted: UInt64, lost: Int64) -> UInt64 {
    UInt64(max(Int64(bitPattern: counted) &- lost, 0))
  }

  func lost(of pin: Int) -> Int64 { Int64(bitPattern: shared.load64(at: Self.place(pin))) }

  func setLost(_ lost: Int64, of pin: Int) {
    shared.store64(UInt64(bitPattern: lost), at: Self.place(pin))
  }

  /// For a pin that no flow has. What was lost goes first: a command that dies between leaves a count that is
  /// too high, which the next recount sets right, and never one that is too low.
  func clear(_ pin: Int) throws(KernelError) {
    setLost(0, of: pin)
    try flows.clear(at: UInt32(pin))
  }

  private static func place(_ pin: Int) -> Int {
    MemoryLayout<medulla_shared>.place(of: \.lost) + pin * MemoryLayout<Int64>.stride
  }
}
