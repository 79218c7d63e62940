import MedullaCongestion
import MedullaDatapath

/// The C, eBPF and Python that the baselines are compiled from or run by.
enum BaselineSources {
  /// What an eBPF program of the baselines may include, by name; `shape.h` comes from the snapshot's shape.
  static var programs: [String: String] {
    EmbeddedSources.headers.merging(CongestionSources.headers) { first, _ in first }.merging([
      "user_space.h": text(PackageResources.user_space_h),
      "user_space.bpf.c": text(PackageResources.user_space_bpf_c),
    ]) { first, _ in first }
  }

  static var dctcp: [String: String] {
    ["dctcp.h": text(PackageResources.dctcp_h), "dctcp.bpf.c": text(PackageResources.dctcp_bpf_c)]
  }

  /// What the kernel's part of the latency comparison is compiled from, besides `shape.h`.
  static var latencyProgram: [String: String] {
    EmbeddedSources.headers.merging([
      "latency.h": text(PackageResources.latency_h),
      "latency.bpf.c": text(PackageResources.latency_bpf_c),
    ]) { first, _ in first }
  }

  /// What its processes are compiled from, besides `shape.h`, `network.h` and `question.h`.
  static var latencyWays: [String: String] {
    [
      "process.h": text(PackageResources.process_h),
      "latency_ways.c": text(PackageResources.latency_ways_c),
      "latency_process.h": text(PackageResources.latency_process_h),
      "latency_descriptors.h": text(PackageResources.latency_descriptors_h),
      "latency_ring.h": text(PackageResources.latency_ring_h),
      "latency.h": text(PackageResources.latency_h),
    ]
  }

  /// What the native agent is compiled from, besides `shape.h` and `network.h`.
  static var agent: [String: String] {
    [
      "process.h": text(PackageResources.process_h), "user_space.h": text(PackageResources.user_space_h),
      "inference_agent.c": text(PackageResources.inference_agent_c),
    ]
  }

  static var pythonAgent: String { text(PackageResources.onnx_agent_py) }

  static var flowTree: String { text(PackageResources.flow_tree_py) }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
