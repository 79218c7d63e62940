/// The layouts of `bpf/intf.h`, which the kernel's programs use; tests compare both.
enum KernelLayout {
  static let interfaceVersion: UInt32 = 2
  static let slotCount = 8
  static let noSlot: UInt32 = 0xffff_ffff

  static let optionMeasure: UInt32 = 1
  static let optionRetired: UInt32 = 2
  static let optionFollow: UInt32 = 4
  static let slotFlagMove: UInt32 = 1

  /// Offsets in `struct medulla_control`.
  enum Control {
    static let interfaceVersion = 0
    static let active = 4
    static let options = 8
    static let previous = 12
    static let previousGeneration = 16
    static let staged = 20
    static let sampleEvery = 24
    static let shadowEvery = 28
    static let inputs = 32
    static let outputs = 36
    static let featureFractionBits = 40
    static let outputFractionBits = 44
    static let nextVersion = 48
    static let drainLimit = 56
    static let attached = 64
    static let left = 72
    static let shape = 80
    static let congestion = 112
    static let before = 128
    static let hook = 144
    static let slots = 176
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
  static let hookBytes = 32
  static let outcomeCount = 8
  static let sampleValid: UInt32 = 1
  static let sampleShadow: UInt32 = 2
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
  var samples: UInt64 = 0
  var samplesDropped: UInt64 = 0
  var unpinned: UInt64 = 0
  var shadowInferences: UInt64 = 0
  var shadowSum: UInt64 = 0
  var shadowMaximum: UInt64 = 0

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
      sum.samples &+= part.samples
      sum.samplesDropped &+= part.samplesDropped
      sum.unpinned &+= part.unpinned
      sum.shadowInferences &+= part.shadowInferences
      sum.shadowSum &+= part.shadowSum
      sum.shadowMaximum = max(sum.shadowMaximum, part.shadowMaximum)
      sum.measuredMaximum = max(sum.measuredMaximum, part.measuredMaximum)
      if part.measuredMinimum > 0 {
        sum.measuredMinimum =
          sum.measuredMinimum == 0 ? part.measuredMinimum : min(sum.measuredMinimum, part.measuredMinimum)
      }
    }
    return sum
  }
}

/// `struct medulla_totals`.
struct KernelTotals: BitwiseCopyable, Equatable {
  var samples: UInt64 = 0
  var samplesDropped: UInt64 = 0

  static func total(_ parts: [KernelTotals]) -> KernelTotals {
    parts.reduce(into: KernelTotals()) { sum, part in
      sum.samples &+= part.samples
      sum.samplesDropped &+= part.samplesDropped
    }
  }
}

/// `struct medulla_sample_header`; the sample's words follow it.
struct KernelSampleHeader: BitwiseCopyable, Equatable {
  var time: UInt64 = 0
  var flow: UInt64 = 0
  var version: UInt64 = 0
  var slot: UInt32 = 0
  var flags: UInt32 = 0
  var inputs: UInt16 = 0
  var outputs: UInt16 = 0
  var outcomes: UInt16 = 0
  var reserved: UInt16 = 0
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
