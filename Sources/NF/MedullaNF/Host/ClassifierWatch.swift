import CMedullaABI
import MedullaKernel

/// The classifier whose classes rules name, and whether it still decides. Only the host's thread uses it.
final class ClassifierWatch {
  /// Between two looks.
  static let intervalNanoseconds: UInt64 = 250_000_000

  let name: String
  let table: BPFMap
  private let pins: ClassifierPins
  private(set) var isAttached = true
  private var next: UInt64 = 0

  /// - Throws: `mismatch` where the table is no classifier's of this version.
  init(_ name: String, _ pins: ClassifierPins) throws(KernelError) {
    self.name = name
    self.pins = pins
    table = try BPFMap(pinned: pins.table)
    guard table.keySize == MemoryLayout<medulla_flow_key>.size,
      table.valueSize > MemoryLayout<classifier_entry>.size
    else {
      throw KernelError(.mismatch, "the table of the classifier \(name) is of another version")
    }
  }

  /// Where an entry has its row plus one, and when its flow's last packet came.
  static let rowOffset = UInt32(
    (MemoryLayout<classifier_entry>.offset(of: \.own) ?? 0)
      + (MemoryLayout<classifier_flow>.offset(of: \.row) ?? 0))
  static let seenOffset = UInt32(
    (MemoryLayout<classifier_entry>.offset(of: \.head) ?? 0)
      + (MemoryLayout<medulla_flow_head>.offset(of: \.last_ns) ?? 0))

  /// - Returns: true once, when it has been found gone: detached, or another has its name. It does not come
  ///   back; what it had decided stays in its table, and is nobody's word any more.
  func hasGone(_ now: UInt64) -> Bool {
    guard isAttached, now >= next else { return false }
    next = now + Self.intervalNanoseconds
    isAttached = isThere
    return !isAttached
  }

  private var isThere: Bool {
    guard (try? BPFMap(pinned: pins.table))?.identifier == table.identifier else { return false }
    return pins.links.allSatisfy { path in
      guard let link = try? BPFLink(pinned: path) else { return false }
      // Of a device that is gone the link stays, and leads nowhere.
      if case .program(_, _, let interface) = link.target { return interface != 0 }
      return false
    }
  }
}
