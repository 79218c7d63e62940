import CMedullaABI
import MedullaDatapath
import MedullaKernel

/// A function of the user's own: its collector and enforcer in one `.bpf.c`, at a network interface.
///
/// Everything else is as with any function: slots, samples, candidates, and state that is pinned.
package struct PacketFunction: DatapathFunction {
  package let program: FunctionProgram
  package let hook: FunctionHook

  package init(program: FunctionProgram, hook: FunctionHook) {
    self.program = program
    self.hook = hook
  }

  package static let name = "packet"
  package static let formerNames = ["custom"]
  package static let sizes = NetworkSizes()
  package static let isDispatched = true
  package static let counters = [FunctionCounter("unpinned", index: Int(PACKET_UNPINNED))]
  package static let keys = [
    FunctionKey("program", .path, isRequired: true, example: "/etc/medulla/mine.bpf.c"),
    FunctionKey("hook", .text, isRequired: true, example: "tc:eth0:ingress"),
  ]

  package static func title(of status: InstanceStatus) -> String { "function at \(status.hook ?? "nothing")" }

  package init(values: [String: FunctionValue]) throws {
    guard let path = values["program"]?.text, let hook = values["hook"]?.text, !path.isEmpty else {
      throw DatapathError(.badConfiguration, "a custom function needs program and hook")
    }
    self.init(program: try FunctionProgram(contentsOf: path), hook: try FunctionHook(hook))
  }

  package func hooks(of name: InstanceName) -> [Hook] { [hook.hook] }

  package func prepared(for name: InstanceName) throws -> PacketFunction {
    _ = try Hook.interfaceIndex(of: hook.interface)
    return self
  }

  package func load(
    _ snapshot: DatapathSnapshot, for name: InstanceName, shared: SharedMaps.Origin
  ) throws -> ProgramSet {
    let (object, registration) = try program.compiled(for: snapshot, at: hook)
    var objects = [object]
    if case .new = shared {
      let fragments = try object.takesFragments(program: registration.name)
      objects.append(try Dispatcher.object(at: hook.kernelHook, fragments: fragments))
    }
    return try ProgramSet(
      loading: objects, main: registration.name, snapshot: snapshot, shared: shared)
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

  /// The source stays with the instance, so that a network of another shape can bring a program of its own
  /// later: the hook, the file's name and the text, with a zero between, of which none holds one.
  package var record: [UInt8] {
    Array(hook.description.utf8) + [0] + Array(program.fileName.utf8) + [0] + Array(program.source.utf8)
  }

  package init(record: [UInt8]) throws {
    let parts = record.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard parts.count == 3 else {
      throw DatapathError(
        .foreignVersion, "the source of a function cannot be read", remedy: "detach it and attach again")
    }
    self.init(
      program: try FunctionProgram(fileName: parts[1], source: parts[2]), hook: try FunctionHook(parts[0]))
  }
}

extension InstanceStatus.Slot {
  /// Packets of flows for which the table of flows had no room.
  package var unpinned: UInt64 { counters["unpinned"] ?? 0 }
}
