import MedullaKernel

/// The maps that all program sets of an instance share: the ring of samples, its totals, and the count of
/// flows.
///
/// They are pinned with the instance, so that samples of a set that comes later go the same way and counts
/// outlive a set that goes.
struct SharedMaps {
  static let samplesName = "medulla_samples"
  static let totalsName = "medulla_totals"
  static let countersName = "medulla_shared"

  static let names = [samplesName, totalsName, countersName]

  let samples: BPFMap
  let totals: BPFMap
  let counters: BPFMap

  init(pinnedAt path: String) throws {
    samples = try BPFMap(pinned: path + "/" + Self.samplesName)
    totals = try BPFMap(pinned: path + "/" + Self.totalsName)
    counters = try BPFMap(pinned: path + "/" + Self.countersName)
  }

  init(of object: BPFObject) throws {
    samples = try object.loadedMap(Self.samplesName)
    totals = try object.loadedMap(Self.totalsName)
    counters = try object.loadedMap(Self.countersName)
  }

  func pin(at path: String) throws {
    try samples.pin(at: path + "/" + Self.samplesName)
    try totals.pin(at: path + "/" + Self.totalsName)
    try counters.pin(at: path + "/" + Self.countersName)
  }

  /// Where a program set has them from.
  enum Origin {
    /// Made now, with a ring of so many bytes.
    case new(sampleBytes: Int)
    /// Those of the program sets before.
    case lent(SharedMaps)

    /// For an object that is not loaded yet.
    func give(to object: BPFObject) throws {
      switch self {
      case .new(let bytes):
        try object.setEntries(of: samplesName, to: try SampleBuffer.entries(bytes: bytes))
      case .lent(let maps):
        try object.reuse(maps.samples, as: samplesName)
        try object.reuse(maps.totals, as: totalsName)
        try object.reuse(maps.counters, as: countersName)
      }
    }
  }

  func total() throws -> KernelTotals {
    KernelTotals.total(try totals.valuesPerProcessor(at: 0, as: KernelTotals.self))
  }
}
