import CLibBPF
import Glibc

/// What keeps an object attached; gone with its last descriptor unless it is pinned.
public struct BPFLink: Sendable {
  let descriptor: Descriptor

  init(owning descriptor: Descriptor) {
    self.descriptor = descriptor
  }

  /// The link pinned at `path`.
  public init(pinned path: String) throws(KernelError) {
    let number = bpf_obj_get(path)
    guard number >= 0 else { throw .system("open pinned link \(path)", number: number) }
    descriptor = Descriptor(owning: number)
  }

  public func pin(at path: String) throws(KernelError) {
    let status = bpf_obj_pin(descriptor.number, path)
    guard status == 0 else { throw .system("pin link at \(path)", number: status) }
  }

  /// The identifier of the `struct_ops` map that the link points at now; nil when the kernel does not say.
  public var structOpsMap: UInt32? {
    let identifier = medulla_struct_ops_map(descriptor.number)
    return identifier == 0 ? nil : identifier
  }

  /// Points the link at another registered `struct_ops` map, in one step; users of the old one keep it.
  public func update(to map: BPFMap) throws(KernelError) {
    let status = bpf_link_update(descriptor.number, map.descriptor.number, nil)
    guard status == 0 else { throw .system("point the link at \(map.name)", number: status) }
  }

  /// Ends the attachment for every holder.
  public func detach() throws(KernelError) {
    let status = bpf_link_detach(descriptor.number)
    guard status == 0 else { throw .system("detach a link", number: status) }
  }
}
