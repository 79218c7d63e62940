import MedullaDatapath

/// The C of path selection, which this module carries.
enum PathSources {
  static var main: [String: String] {
    [
      "paths_intf.h": text(PackageResources.paths_intf_h),
      "path_features.h": text(PackageResources.path_features_h),
      "paths.bpf.h": text(PackageResources.paths_bpf_h),
      "paths_follow.bpf.h": text(PackageResources.paths_follow_bpf_h),
      "paths_place.bpf.h": text(PackageResources.paths_place_bpf_h),
      "paths_steer.bpf.h": text(PackageResources.paths_steer_bpf_h),
      "paths.bpf.c": text(PackageResources.paths_bpf_c),
    ]
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
