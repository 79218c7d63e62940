import CMedullaABI
import Foundation
import MedullaBase
import MedullaKernel

/// A function at an interface, for one or both directions. A `Dispatcher` is attached there, and sends each
/// packet to the program set of its flow, by the table of flows that all of them share.
package protocol InterfaceFunction: DatapathFunction {
  var hook: FunctionHook { get }
}

extension InterfaceFunction {
  package static var isDispatched: Bool { true }
  package static var counters: [FunctionCounter] {
    [FunctionCounter("unpinned", index: Int(PACKET_UNPINNED))]
  }

  package func hooks(of name: InstanceName) -> [Hook] { hook.hooks }

  /// The program set of one object; the instance's first has the dispatcher beside it.
  package func dispatched(
    _ object: BPFObject, main: String, _ snapshot: DatapathSnapshot, shared: SharedMaps.Origin
  ) throws -> ProgramSet {
    var objects = [object]
    if case .new = shared {
      let fragments = try object.takesFragments(program: main)
      let dispatcher = try snapshot.object(of: Dispatcher.source)
      objects.append(
        try Dispatcher.object(
          dispatcher, at: hook.kernelHook, fragments: fragments, turns: Dispatcher.turns(for: object)))
    }
    return try ProgramSet(loading: objects, main: main, snapshot: snapshot, shared: shared)
  }

  /// By the words that flows in the table begin with.
  package func recount(_ generation: PinnedGeneration) throws -> [Int: UInt64]? {
    let first = UInt64(generation.firstPin)
    return try generation.table(of: Dispatcher.tableName).values(beginningWith: UInt64.self)
      .reduce(into: [:]) { counts, word in
        let pin = word & (1 << UInt64(MEDULLA_PIN_BITS) - 1)
        guard pin >= first, pin < first + UInt64(SlotTable.capacity) else { return }
        counts[Int(pin - first), default: 0] += 1
      }
  }
}

extension InstanceStatus.Slot {
  /// Packets of flows for which the table of flows had no room.
  package var unpinned: UInt64 { counters["unpinned"] ?? 0 }
}

/// What is pinned of a function that is its hook and its settings, as JSON.
package struct InterfaceRecord<Settings: Codable>: Codable {
  package let hook: String
  package let settings: Settings

  package init(hook: FunctionHook, settings: Settings) {
    (self.hook, self.settings) = (hook.description, settings)
  }

  /// - Throws: `foreignVersion` for bytes that this version cannot read.
  package init(_ bytes: [UInt8], of function: String) throws(DatapathError) {
    guard let record = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else {
      throw DatapathError(
        .foreignVersion, "the settings of \(function) cannot be read",
        remedy: "detach it and attach again")
    }
    self = record
  }

  /// Texts and numbers always can be written.
  package var bytes: [UInt8] { (try? JSONText.line(self)) ?? [] }
}
