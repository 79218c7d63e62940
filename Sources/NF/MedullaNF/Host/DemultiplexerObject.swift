import MedullaBase
import MedullaKernel

/// The demultiplexer as an eBPF object: one for all chains.
package enum DemultiplexerObject {
  private static let source = "nf_demux.bpf.c"

  /// Compiles it, which needs clang.
  package static func compile(for kernel: KernelVersion? = .running) throws(KernelError) -> [UInt8] {
    try BPFCompiler(for: kernel).object(
      source: source,
      files: [
        source: text(PackageResources.nf_demux_bpf_c),
        "nf_intf.h": text(PackageResources.nf_intf_h),
        "packet_parse.h": text(PackageResources.packet_parse_h),
        "kernel_types.h": text(PackageResources.kernel_types_h),
        "medulla_order.bpf.h": text(PackageResources.medulla_order_bpf_h),
      ])
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
