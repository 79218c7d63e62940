import Crypto

/// The eBPF C that this module carries, so that the executable needs no file beside it.
public enum EmbeddedSources {
  /// Every file that a program may include, by its name; `shape.h` comes from the snapshot's shape.
  public static var files: [String: String] {
    [
      "kernel_types.h": text(PackageResources.kernel_types_h),
      "intf.h": text(PackageResources.intf_h),
      "medulla.bpf.h": text(PackageResources.medulla_bpf_h),
      "medulla_shadow.bpf.h": text(PackageResources.medulla_shadow_bpf_h),
      "medulla_sample.bpf.h": text(PackageResources.medulla_sample_bpf_h),
      "medulla_live.bpf.h": text(PackageResources.medulla_live_bpf_h),
      "medulla_function.bpf.h": text(PackageResources.medulla_function_bpf_h),
      "medulla_packet.bpf.h": text(PackageResources.medulla_packet_bpf_h),
      "congestion_sample.bpf.h": text(PackageResources.congestion_sample_bpf_h),
      "congestion_record.h": text(PackageResources.congestion_record_h),
      "congestion_control.h": text(PackageResources.congestion_control_h),
      "congestion_interval.h": text(PackageResources.congestion_interval_h),
      "congestion_state.h": text(PackageResources.congestion_state_h),
      "congestion_flow.bpf.h": text(PackageResources.congestion_flow_bpf_h),
      "query.bpf.c": text(PackageResources.query_bpf_c),
      "congestion.bpf.c": text(PackageResources.congestion_bpf_c),
      "probe.bpf.c": text(PackageResources.probe_bpf_c),
    ]
  }

  /// SHA-256 over names and texts: programs that were compiled from other sources are not of this version.
  static let digest: String = {
    var hash = SHA256()
    for (name, text) in files.sorted(by: { $0.key < $1.key }) {
      hash.update(data: Array("\(name) \(text.utf8.count)\n\(text)".utf8))
    }
    return CongestionStatus.hexadecimal(Array(hash.finalize()))
  }()

  /// The native program that benchmarks compare with.
  static var native: [String: String] { ["bench.c": text(PackageResources.bench_c)] }

  /// The native program whose instructions are counted.
  static var collecting: [String: String] {
    let shared = [
      "congestion_control.h", "congestion_interval.h", "congestion_state.h", "congestion_record.h",
    ]
    return files.filter { shared.contains($0.key) }.merging(["collect.c": text(PackageResources.collect_c)]) {
      first, _ in first
    }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
