import MedullaDatapath

/// The C that packet rates are measured with, which this module carries.
enum PacketRateSources {
  /// The kernel's part; it includes what programs of any function do.
  static var programs: [String: String] {
    EmbeddedSources.headers.merging(["packet_rate.bpf.c": text(PackageResources.packet_rate_bpf_c)]) {
      first, _ in first
    }
  }

  /// The process's, besides `shape.h` and `network.h`.
  static var native: [String: String] {
    EmbeddedSources.headers.merging([
      "packet_decide.c": text(PackageResources.packet_decide_c),
      "decide_table.h": text(PackageResources.decide_table_h),
    ]) { first, _ in first }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
