import MedullaDatapath

/// The C of the classifier, which this module carries.
enum ClassifierSources {
  static var main: [String: String] {
    [
      "classifier_intf.h": text(PackageResources.classifier_intf_h),
      "classifier.bpf.h": text(PackageResources.classifier_bpf_h),
      "classifier.bpf.c": text(PackageResources.classifier_bpf_c),
    ]
  }

  static var firstPackets: [String: String] {
    [
      "first_packets.h": text(PackageResources.first_packets_h),
      "first_packets.bpf.c": text(PackageResources.first_packets_bpf_c),
    ]
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
