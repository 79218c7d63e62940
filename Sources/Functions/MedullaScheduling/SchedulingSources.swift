import MedullaDatapath

/// The C of flow scheduling, which this module carries.
enum SchedulingSources {
  static var main: [String: String] {
    [
      "scheduling_intf.h": text(PackageResources.scheduling_intf_h),
      "scheduling.bpf.h": text(PackageResources.scheduling_bpf_h),
      "scheduling_admit.bpf.h": text(PackageResources.scheduling_admit_bpf_h),
      "scheduling.bpf.c": text(PackageResources.scheduling_bpf_c),
    ]
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
