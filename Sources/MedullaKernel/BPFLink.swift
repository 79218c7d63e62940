import CLibBPF
import Glibc

/// What keeps an object attached; gone with its last descriptor unless it is pinned.
package struct BPFLink: Sendable {
  let descriptor: Descriptor

  init(owning descriptor: Descriptor) {
    self.descriptor = descriptor
  }

  /// The link pinned at `path`.
  package init(pinned path: String) throws(KernelError) {
    let number = bpf_obj_get(path)
    guard number >= 0 else { throw .system("open pinned link \(path)", number: number) }
    descriptor = Descriptor(owning: number)
  }

  package func pin(at path: String) throws(KernelError) {
    let status = bpf_obj_pin(descriptor.number, path)
    guard status == 0 else { throw .system("pin link at \(path)", number: status) }
  }

  /// What a link attaches, and to what.
  package enum Target: Equatable, Sendable {
    /// A `struct_ops` map, by its identifier.
    case structOps(map: UInt32)
    /// A program, by its identifier, at an interface.
    case program(UInt32, Hook, interface: UInt32)
    /// The link is detached, or of a kind that is not ours.
    case nothing
  }

  /// Where on an interface a program can be attached.
  package enum Hook: Equatable, Sendable {
    case xdp, ingress, egress

    var attachType: Int32 {
      switch self {
      case .xdp: Int32(BPF_XDP.rawValue)
      case .ingress: MEDULLA_TCX_INGRESS
      case .egress: MEDULLA_TCX_EGRESS
      }
    }
  }

  /// What the link points at now, by the kernel's word.
  package var target: Target {
    var facts = medulla_link_facts()
    guard medulla_read_link(descriptor.number, &facts) == 0 else { return .nothing }
    switch facts.type {
    case MEDULLA_LINK_STRUCT_OPS: return facts.first == 0 ? .nothing : .structOps(map: facts.first)
    case MEDULLA_LINK_XDP: return .program(facts.program, .xdp, interface: facts.first)
    case MEDULLA_LINK_TCX:
      let hook: Hook = facts.second == UInt32(MEDULLA_TCX_EGRESS) ? .egress : .ingress
      return .program(facts.program, hook, interface: facts.first)
    default: return .nothing
    }
  }

  /// Attaches a program to an interface of this network namespace.
  ///
  /// - Throws: `missingFeature` at a kernel without links for tc (before 6.6).
  package init(
    attaching program: BPFProgram, to hook: Hook, interface: UInt32
  ) throws(KernelError) {
    let number = medulla_link_interface(
      program.descriptor.number, Int32(bitPattern: interface), hook.attachType)
    guard number >= 0 else {
      let error = KernelError.system("attach program \(program.name)", number: number)
      // An attach type that the kernel does not know is an invalid argument to it.
      guard hook != .xdp, number == -EINVAL else { throw error }
      throw KernelError(
        .missingFeature, error.message, cause: error.cause,
        remedy: "links of programs for tc need Linux \(KernelVersion.oldestForEverything) or newer")
    }
    descriptor = Descriptor(owning: number)
  }

  /// Points the link at another program of the same kind, in one step.
  package func update(to program: BPFProgram) throws(KernelError) {
    let status = bpf_link_update(descriptor.number, program.descriptor.number, nil)
    guard status == 0 else { throw .system("point the link at \(program.name)", number: status) }
  }

  /// Points the link at another registered `struct_ops` map, in one step; users of the old one keep it.
  package func update(to map: BPFMap) throws(KernelError) {
    let status = bpf_link_update(descriptor.number, map.descriptor.number, nil)
    guard status == 0 else { throw .system("point the link at \(map.name)", number: status) }
  }

  /// Ends the attachment for every holder.
  package func detach() throws(KernelError) {
    let status = bpf_link_detach(descriptor.number)
    guard status == 0 else { throw .system("detach a link", number: status) }
  }
}
