import MedullaDatapath

/// The C of the congestion control, which this module carries.
package enum CongestionSources {
  /// What a program of the congestion control includes beside the core's headers.
  package static var headers: [String: String] {
    controller.merging([
      "congestion_intf.h": text(PackageResources.congestion_intf_h),
      "congestion_types.h": text(PackageResources.congestion_types_h),
      "congestion_sample.bpf.h": text(PackageResources.congestion_sample_bpf_h),
      "congestion_flow.bpf.h": text(PackageResources.congestion_flow_bpf_h),
    ]) { first, _ in first }
  }

  /// The least that a congestion control can be, `probe.bpf.c`, to see whether a kernel can.
  package static var probe: [String: String] {
    EmbeddedSources.headers.merging(headers) { first, _ in first }
      .merging(["probe.bpf.c": text(PackageResources.probe_bpf_c)]) { first, _ in first }
  }

  static var main: [String: String] {
    headers.merging(["congestion.bpf.c": text(PackageResources.congestion_bpf_c)]) { first, _ in first }
  }

  static var collect: [String: String] {
    headers.merging(["collect.bpf.c": text(PackageResources.collect_bpf_c)]) { first, _ in first }
  }

  /// The native program whose instructions are counted.
  static var collecting: [String: String] {
    controller.merging(["collect.c": text(PackageResources.collect_c)]) { first, _ in first }
  }

  private static var controller: [String: String] {
    [
      "congestion_record.h": text(PackageResources.congestion_record_h),
      "congestion_control.h": text(PackageResources.congestion_control_h),
      "congestion_rival.h": text(PackageResources.congestion_rival_h),
      "congestion_belief.h": text(PackageResources.congestion_belief_h),
      "congestion_policer.h": text(PackageResources.congestion_policer_h),
      "congestion_past.h": text(PackageResources.congestion_past_h),
      "congestion_shadow.h": text(PackageResources.congestion_shadow_h),
      "congestion_interval.h": text(PackageResources.congestion_interval_h),
      "congestion_state.h": text(PackageResources.congestion_state_h),
    ]
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
