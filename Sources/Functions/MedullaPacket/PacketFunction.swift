import MedullaDatapath
import MedullaKernel

/// A function of the user's own: its collector and enforcer in one `.bpf.c`, at a network interface.
///
/// Its program comes from the bundle, compiled. Everything else is as with any function: slots, samples,
/// candidates, and state that is pinned.
package struct PacketFunction: InterfaceFunction {
  /// As the user named it; nil: the bundle's only one.
  let programName: String?
  /// nil: it is not known yet which.
  package private(set) var program: FunctionProgram?
  package let hook: FunctionHook

  /// - Parameter program: the name of one that the bundle carries; nil: the only one.
  package init(program: String? = nil, hook: FunctionHook) {
    programName = program
    self.hook = hook
  }

  package static let name = "packet"
  package static let formerNames = ["custom"]
  package static let sizes = NetworkSizes()
  package static let keys = [
    FunctionKey("program", .text, example: "classify"),
    FunctionKey("hook", .text, isRequired: true, example: "tc:eth0:ingress"),
  ]

  package static func title(of status: InstanceStatus) -> String { "function at \(status.hook ?? "nothing")" }

  package init(values: [String: FunctionValue]) throws {
    guard let hook = values["hook"]?.text else {
      throw DatapathError(.badConfiguration, "a custom function needs a hook")
    }
    self.init(program: values["program"]?.text, hook: try FunctionHook(hook))
  }

  package func checkPrograms(of snapshot: DatapathSnapshot) throws {
    _ = try FunctionProgram(programName, of: snapshot).object(in: snapshot, at: hook)
    _ = try snapshot.object(of: Dispatcher.source)
  }

  package func prepared(for name: InstanceName, _ snapshot: DatapathSnapshot) throws -> PacketFunction {
    _ = try Hook.interfaceIndex(of: hook.interface)
    var prepared = self
    prepared.program = try FunctionProgram(programName, of: snapshot)
    return prepared
  }

  package func load(
    _ snapshot: DatapathSnapshot, for name: InstanceName, shared: SharedMaps.Origin
  ) throws -> ProgramSet {
    let program = try program ?? FunctionProgram(programName, of: snapshot)
    let (object, registration) = try program.object(in: snapshot, at: hook)
    return try dispatched(object, main: registration.name, snapshot, shared: shared)
  }

  /// By which a network of another shape brings the same function later: the hook, the program's name and its
  /// source's digest, with a zero between, of which none holds one.
  package var record: [UInt8] {
    Array(hook.description.utf8) + [0] + Array((program?.name ?? "").utf8) + [0]
      + Array((program?.source ?? "").utf8)
  }

  package init(record: [UInt8]) throws {
    let parts = record.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard parts.count == 3, FunctionSource.isName(parts[1]), Array(hexadecimal: parts[2]) != nil else {
      throw DatapathError(
        .foreignVersion, "another version attached it, with its source instead of a bundle's program",
        remedy: "detach it and attach again")
    }
    self.init(program: parts[1], hook: try FunctionHook(parts[0]))
    program = FunctionProgram(name: parts[1], source: parts[2])
  }
}
