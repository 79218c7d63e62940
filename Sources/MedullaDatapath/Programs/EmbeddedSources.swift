import MedullaBase

/// The eBPF C that this module carries, so that the executable needs no file beside it.
package enum EmbeddedSources {
  /// The program that every object has from the headers: it asks the live slot by test run.
  package static let liveProgram = "medulla_live"

  /// What a program of any function may include, by name; `shape.h` comes from the snapshot's shape.
  package static var headers: [String: String] {
    [
      "kernel_types.h": text(PackageResources.kernel_types_h),
      "intf.h": text(PackageResources.intf_h),
      "packet_intf.h": text(PackageResources.packet_intf_h),
      "medulla_order.bpf.h": text(PackageResources.medulla_order_bpf_h),
      "medulla.bpf.h": text(PackageResources.medulla_bpf_h),
      "medulla_shadow.bpf.h": text(PackageResources.medulla_shadow_bpf_h),
      "medulla_decide.bpf.h": text(PackageResources.medulla_decide_bpf_h),
      "medulla_sample.bpf.h": text(PackageResources.medulla_sample_bpf_h),
      "medulla_live.bpf.h": text(PackageResources.medulla_live_bpf_h),
      "packet_parse.h": text(PackageResources.packet_parse_h),
      "flow_past.h": text(PackageResources.flow_past_h),
      "flow_state.h": text(PackageResources.flow_state_h),
      "flow_features.h": text(PackageResources.flow_features_h),
      "flow_inputs.h": text(PackageResources.flow_inputs_h),
      "flow_features.bpf.h": text(PackageResources.flow_features_bpf_h),
      "flow_inputs.bpf.h": text(PackageResources.flow_inputs_bpf_h),
      "medulla_function.bpf.h": text(PackageResources.medulla_function_bpf_h),
      "medulla_table.bpf.h": text(PackageResources.medulla_table_bpf_h),
      "medulla_sweep.bpf.h": text(PackageResources.medulla_sweep_bpf_h),
      "medulla_packet.bpf.h": text(PackageResources.medulla_packet_bpf_h),
    ]
  }

  static var query: [String: String] { ["query.bpf.c": text(PackageResources.query_bpf_c)] }

  static var dispatch: [String: String] { ["dispatch.bpf.c": text(PackageResources.dispatch_bpf_c)] }

  /// SHA-256 over names and texts.
  static func digest(of files: [String: String]) -> [UInt8] {
    var hash = SHA256()
    for (name, text) in files.sorted(by: { $0.key < $1.key }) {
      hash.update(Array("\(name) \(text.utf8.count)\n\(text)".utf8))
    }
    return hash.finalize()
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
