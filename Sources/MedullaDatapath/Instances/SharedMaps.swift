import CMedullaABI
import MedullaKernel

/// The maps that all program sets of an instance share: the ring of samples, its totals, the counts of
/// flows, and what the function names beside them.
///
/// They are pinned with the instance, so that samples of a set that comes later go the same way and counts
/// outlive a set that goes.
package struct SharedMaps {
  package static let samplesName = "medulla_samples"
  static let totalsName = "medulla_totals"
  static let countersName = "medulla_shared"
  static let flowsName = "medulla_flows"
  static let coreNames = [samplesName, totalsName, countersName, flowsName]

  package let maps: [String: BPFMap]

  static func names(of function: any DatapathFunction) -> [String] {
    let own = type(of: function)
    return coreNames + (own.isDispatched ? Dispatcher.instanceMaps : []) + own.instanceMaps
  }

  init(pinnedAt path: String, names: [String] = coreNames) throws {
    maps = try Dictionary(uniqueKeysWithValues: names.map { ($0, try BPFMap(pinned: path + "/" + $0)) })
  }

  init(of set: ProgramSet, names: [String]) throws {
    maps = try Dictionary(uniqueKeysWithValues: names.map { ($0, try set.map($0)) })
  }

  /// Of an object that is never pinned.
  package init(of object: BPFObject) throws {
    maps = try Dictionary(uniqueKeysWithValues: Self.coreNames.map { ($0, try object.loadedMap($0)) })
  }

  func pin(at path: String) throws {
    for (name, map) in maps.sorted(by: { $0.key < $1.key }) { try map.pin(at: path + "/" + name) }
  }

  /// Where a program set has them from.
  package enum Origin {
    /// Made now, with a ring of so many bytes and a table of so many flows; nil: as the function says.
    case new(sampleBytes: Int, flows: Int? = nil)
    /// Those of the program sets before.
    case lent(SharedMaps)

    /// For an object that is not loaded yet.
    ///
    /// - Parameter given: maps that it has from elsewhere.
    func give(to object: BPFObject, except given: [String]) throws {
      let names = object.mapNames.filter { !given.contains($0) }
      switch self {
      case .new(let bytes, let flows):
        if names.contains(samplesName) {
          try object.setEntries(of: samplesName, to: try SampleBuffer.entries(bytes: bytes))
        }
        if let flows { try FlowTableSize.set(flows, in: object) }
      case .lent(let shared):
        for (name, map) in shared.maps where names.contains(name) { try object.reuse(map, as: name) }
      }
    }
  }

  package func map(_ name: String) throws -> BPFMap {
    guard let map = maps[name] else { throw KernelError(.notFound, "the instance has no map \(name)") }
    return map
  }

  /// How many flows a pin holds, and ever held.
  func flows(of pin: Int) throws -> medulla_flows {
    try counts().flows(of: pin)
  }

  private func counts() throws -> SlotFlowCounts {
    try SlotFlowCounts(flows: map(Self.flowsName), shared: map(Self.countersName))
  }

  /// Rows of pins that hold flows.
  func heldRows() throws -> Set<Int> {
    let counts = try counts()
    let held = try (0..<Int(MEDULLA_PINS)).filter { try counts.flows(of: $0).held > 0 }
    return Set(held.map { $0 / SlotTable.capacity })
  }

  package func total() throws -> medulla_totals {
    medulla_totals.total(try map(Self.totalsName).valuesPerProcessor(at: 0, as: medulla_totals.self))
  }
}
