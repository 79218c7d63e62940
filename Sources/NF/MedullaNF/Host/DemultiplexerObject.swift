import Foundation
import MedullaBase
import MedullaKernel

/// The demultiplexer as an eBPF object: one for all chains.
package enum DemultiplexerObject {
  package static let fileName = "nf_demux.bpf.o"
  private static let source = "nf_demux.bpf.c"
  private static let byteLimit = 1 << 20

  /// The one that was built with this program: beside it, or below its prefix; nil: there is none.
  package static func installed(beside program: String = SiblingProgram.own) -> [UInt8]? {
    let folder = URL(fileURLWithPath: program).resolvingSymlinksInPath().deletingLastPathComponent()
    let places = [
      folder.appendingPathComponent(fileName),
      folder.deletingLastPathComponent().appendingPathComponent("share/medulla/\(fileName)"),
    ]
    for place in places {
      guard let data = try? Data(contentsOf: place), data.count <= byteLimit else { continue }
      return [UInt8](data)
    }
    return nil
  }

  /// Compiles it, which needs clang.
  package static func compile(for kernel: KernelVersion? = .running) throws(KernelError) -> [UInt8] {
    try BPFCompiler(for: kernel).object(
      source: source,
      files: [
        source: text(PackageResources.nf_demux_bpf_c),
        "nf_intf.h": text(PackageResources.nf_intf_h),
        "nf_rules.h": text(PackageResources.nf_rules_h),
        "packet_parse.h": text(PackageResources.packet_parse_h),
        "kernel_types.h": text(PackageResources.kernel_types_h),
        "medulla_order.bpf.h": text(PackageResources.medulla_order_bpf_h),
      ])
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
