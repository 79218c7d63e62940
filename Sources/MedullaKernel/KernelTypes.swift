import CLibBPF

/// What the running kernel's own BTF says.
package enum KernelTypes {
  /// Whether the kernel has a struct of that name; nil when it carries no BTF.
  package static func hasStruct(_ name: String) -> Bool? {
    let (btf, _) = LibBPFLog.capture { btf__load_vmlinux_btf() }
    guard let btf else { return nil }
    defer { btf__free(btf) }
    return btf__find_by_name_kind(btf, name, UInt32(BTF_KIND_STRUCT)) > 0
  }
}

/// The libbpf that this process is linked with.
package enum BPFLibrary {
  package static var version: (Int, Int) {
    (Int(libbpf_major_version()), Int(libbpf_minor_version()))
  }
}
