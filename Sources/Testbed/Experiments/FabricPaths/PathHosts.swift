import CMedullaABI
import Foundation
import MedullaAdaptation
import MedullaBase
import MedullaDatapath
import MedullaModel
import MedullaPaths
import MedullaSnapshot
import TestbedLink
import TestbedWorkload

/// Path selection at every host of a fabric with segments, an instance each.
final class PathHosts {
  let names: [String]

  /// - Parameter explores: one flow of so many takes any path.
  init(_ snapshot: DatapathSnapshot, on fabric: Fabric, explores: Int) throws {
    // What is left of a process that was killed can be told by the process's number at the end.
    names = (0..<fabric.plan.hosts).map { "pth\($0)-\(getpid())" }
    do {
      for (host, name) in names.enumerated() {
        let selection = try PathSelection(values: [
          "hook": .text("tc:\(Fabric.hook):egress"), "paths": .text(fabric.paths(ofHost: host)),
          "explore": .number(Double(explores)),
        ])
        _ = try NamespaceSocket.within(fabric.host(host)) {
          try Instance(name).attach(
            selection, snapshot, settings: .init(sampleEvery: 1, isConsistent: false))
        }
      }
    } catch {
      detach()
      throw error
    }
  }

  deinit { detach() }

  /// Takes all away; safe to call twice.
  func detach() {
    for name in names { try? Instance(name).detach() }
  }

  func selection(_ host: Int) throws -> PathSelection {
    guard let function = try Instance(names[host]).pinned().function as? PathSelection else {
      throw TestbedError(.linkFailed, "\(names[host]) is no path selection.", remedy: "Run again.")
    }
    return function
  }

  /// Of all hosts together, a count of each path.
  func sum(_ count: (path_counts) -> UInt64) throws -> [UInt64] {
    let all = try names.indices.map { try selection($0).counts(of: InstanceName(names[$0])).map(count) }
    return (0..<(all.first?.count ?? 0)).map { path in all.reduce(0) { $0 + $1[path] } }
  }

  /// All instances as one fast path.
  func fastPath(_ settings: FunctionSettings? = nil) throws -> FabricFastPath {
    try FabricFastPath(names.map { try KernelFastPath(name: $0, settings: settings) })
  }

  /// A network whose outputs are the paths' round trips as they are known: nothing is learned.
  static func leastRoundTrip(paths: Int) throws -> SnapshotFile {
    let features = (1...paths).compactMap { InputFeature("log2(1+path_rtt_\($0))") }
    let weights = (0..<paths * paths).map { $0 / paths == $0 % paths ? Float(1) : 0 }
    let network = try Network(
      name: "least rtt", inputShape: TensorShape([paths]),
      layers: [
        .dense(
          Dense(
            inputs: paths, outputs: paths, weights: weights, bias: [Float](repeating: 0, count: paths)))
      ])
    // All that a feature may be, one unlike the other.
    let samples = (0...64).map { (step: Int) -> [Float] in
      (0..<paths).map { (path: Int) -> Float in Float((step * (path * 2 + 1)) % 65) / 3 }
    }
    let quantizer = Quantizer(QuantizerOptions(flows: FlowInterface(features: features)))
    return try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples)))
  }
}
