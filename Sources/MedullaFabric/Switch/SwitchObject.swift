import Foundation
import MedullaKernel

/// The programs of a switch as an eBPF object: one for each size of cells.
package enum SwitchObject {
  private static let source = "fabric_switch.bpf.c"

  /// Loads from an arena that extend signs: Linux 6.12 refuses them, 6.18 does not.
  private static let signedLoads = KernelVersion(major: 6, minor: 18)

  /// Compiles it, which needs clang.
  package static func compile(
    cells: CellFormat, for kernel: KernelVersion? = .running
  ) throws(KernelError) -> [UInt8] {
    let compiler = try BPFCompiler(for: kernel)
    let hasSignedLoads = kernel.map { $0 >= signedLoads } ?? true
    return try compiler.limited(to: hasSignedLoads ? .v4 : .v3).object(
      source: source,
      files: [
        source: text(PackageResources.fabric_switch_bpf_c),
        "fabric_switch.bpf.h": text(PackageResources.fabric_switch_bpf_h),
        "fabric_cell.h": text(PackageResources.fabric_cell_h),
        "fabric_task.h": text(PackageResources.fabric_task_h),
        "fabric_memory.h": text(PackageResources.fabric_memory_h),
        "fabric_sum.h": text(PackageResources.fabric_sum_h),
        "fabric_finish.h": text(PackageResources.fabric_finish_h),
        "fabric_faithful.h": text(PackageResources.fabric_faithful_h),
        "fabric_sparse.h": text(PackageResources.fabric_sparse_h),
        "fabric_dense.h": text(PackageResources.fabric_dense_h),
        "fabric_convolution.h": text(PackageResources.fabric_convolution_h),
        "fabric_slot.h": text(PackageResources.fabric_slot_h),
        "fabric_units.h": text(PackageResources.fabric_units_h),
        "fabric_ways.h": text(PackageResources.fabric_ways_h),
        "fabric_send.bpf.h": text(PackageResources.fabric_send_bpf_h),
        "kernel_types.h": text(PackageResources.kernel_types_h),
      ], options: ["-DFABRIC_PAYLOAD=\(cells.payloadBytes)"])
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
