import Glibc
import MedullaKernel

/// One place where a function meets the kernel, and the pin of the link that holds it there.
package struct Hook: Sendable, Equatable, CustomStringConvertible {
  package enum Place: Sendable, Equatable {
    /// The kernel calls the members of a `struct_ops` map.
    case structOps(map: String)
    /// A program at an interface; nil: the program set's main one.
    case interface(String, BPFLink.Hook, program: String?)
  }

  /// The pin of the link that makes an instance of what is pinned.
  package static let mainPin = "link"

  package let pin: String
  package let place: Place

  package init(_ place: Place, pin: String = Hook.mainPin) {
    self.pin = pin
    self.place = place
  }

  package var description: String {
    switch place {
    case .structOps(let map): map
    case .interface(let device, .xdp, _): "xdp:\(device)"
    case .interface(let device, .ingress, _): "tc:\(device):ingress"
    case .interface(let device, .egress, _): "tc:\(device):egress"
    }
  }

  package var isAtInterface: Bool {
    if case .interface = place { true } else { false }
  }

  /// The interface's index in this process's network namespace.
  package static func interfaceIndex(of device: String) throws(DatapathError) -> UInt32 {
    let index = if_nametoindex(device)
    guard index > 0 else {
      throw DatapathError(
        .badFunction, "there is no interface \(device) in this network namespace",
        remedy: "`ip link` lists them; run the command inside the namespace that has it")
    }
    return index
  }

  func attach(_ set: ProgramSet) throws -> BPFLink {
    switch place {
    case .structOps(let map): try set.object(withMap: map).attachStructOps(map)
    case .interface(let device, let hook, let program):
      try BPFLink(
        attaching: set.program(program ?? set.main), to: hook,
        interface: Self.interfaceIndex(of: device))
    }
  }

  func point(_ link: BPFLink, to generation: PinnedGeneration) throws {
    switch place {
    case .structOps(let map): try link.update(to: generation.map(map))
    case .interface(_, _, let program):
      try link.update(to: program.map { try generation.program($0) } ?? generation.main)
    }
  }

  /// By which the kernel names what a link would point at in this program set.
  func identifier(in generation: PinnedGeneration) throws -> UInt32 {
    switch place {
    case .structOps(let map): try generation.map(map).identifier
    case .interface(_, _, let program):
      try (program.map { try generation.program($0) } ?? generation.main).facts().identifier
    }
  }

  /// By which the kernel names what a link points at now; nil when it is detached.
  static func target(of link: BPFLink) -> UInt32? {
    switch link.target {
    case .structOps(let map): map
    case .program(let program, _, let interface): interface == 0 ? nil : program
    case .nothing: nil
    }
  }
}
