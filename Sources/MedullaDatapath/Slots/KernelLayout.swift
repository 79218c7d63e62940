/// The layouts of `bpf/intf.h`, which the kernel's programs use; tests compare both.
enum KernelLayout {
  static let interfaceVersion: UInt32 = 1
  static let slotCount = 8
  static let noSlot: UInt32 = 0xffff_ffff

  static let optionMeasure: UInt32 = 1
  static let optionRetired: UInt32 = 2
  static let slotFlagMove: UInt32 = 1

  /// Offsets in `struct medulla_control`.
  enum Control {
    static let interfaceVersion = 0
    static let active = 4
    static let options = 8
    static let previous = 12
    static let previousGeneration = 16
    static let nextVersion = 24
    static let drainLimit = 32
    static let attached = 40
    static let left = 48
    static let shape = 56
    static let congestion = 88
    static let before = 104
    static let slots = 120
    static let size = slots + slotCount * Slot.size
  }

  /// Offsets in `struct medulla_slot`.
  enum Slot {
    static let version = 0
    static let loaded = 8
    static let retired = 16
    static let flags = 24
    static let digest = 32
    static let name = 64
    static let size = 96
    static let digestBytes = 32
    static let nameBytes = 32
  }

  static let congestionNameBytes = 16
  static let shapeBytes = 32
}

/// `struct medulla_flows`.
struct KernelFlows: BitwiseCopyable, Equatable {
  var held: UInt64 = 0
  var taken: UInt64 = 0
  var moved: UInt64 = 0
}

/// `struct medulla_counts`.
struct KernelCounts: BitwiseCopyable, Equatable {
  var inferences: UInt64 = 0
  var decisions: UInt64 = 0
  var guardEvents: UInt64 = 0
  var timeouts: UInt64 = 0
  var contended: UInt64 = 0
  var stateless: UInt64 = 0
  var measured: UInt64 = 0
  var measuredNanoseconds: UInt64 = 0
  var measuredMinimum: UInt64 = 0
  var measuredMaximum: UInt64 = 0

  /// The sum over processors; minimum and maximum are of all of them.
  static func total(_ parts: [KernelCounts]) -> KernelCounts {
    var sum = KernelCounts()
    for part in parts {
      sum.inferences &+= part.inferences
      sum.decisions &+= part.decisions
      sum.guardEvents &+= part.guardEvents
      sum.timeouts &+= part.timeouts
      sum.contended &+= part.contended
      sum.stateless &+= part.stateless
      sum.measured &+= part.measured
      sum.measuredNanoseconds &+= part.measuredNanoseconds
      sum.measuredMaximum = max(sum.measuredMaximum, part.measuredMaximum)
      if part.measuredMinimum > 0 {
        sum.measuredMinimum =
          sum.measuredMinimum == 0 ? part.measuredMinimum : min(sum.measuredMinimum, part.measuredMinimum)
      }
    }
    return sum
  }
}

/// `struct medulla_flow_record`, without the features that follow.
struct KernelFlowRecord: BitwiseCopyable, Equatable {
  /// Bytes of the whole record, and where its features are.
  static let size = 168
  static let featuresOffset = 44
  static let featureCount = 30

  var slot: UInt32 = 0
  var phase: UInt32 = 0
  var rate: UInt64 = 0
  var window: UInt32 = 0
  var minimumRoundTrip: UInt32 = 0
  var decisions: UInt32 = 0
  var guardEvents: UInt32 = 0
  var action: Int64 = 0
  var explains: UInt32 = 0
}
