import Foundation
import MedullaAdaptation
import MedullaBase
import MedullaDatapath
import MedullaScheduling
import TestbedLink
import TestbedWorkload

/// Flow scheduling at the egress of every host of a fabric, an instance each.
final class ScheduledHosts {
  let names: [String]

  /// - Parameter limits: most bytes of each band but the last.
  init(_ snapshot: DatapathSnapshot, on fabric: Fabric, limits: [Int]) throws {
    // What is left of a process that was killed can be told by the process's number at the end.
    names = (0..<fabric.plan.hosts).map { "sch\($0)-\(getpid())" }
    let values: [String: FunctionValue] = [
      "hook": .text("tc:\(Fabric.uplink):egress"), "packets": .text("3"), "priority": .text("1:1"),
      "bands": .text(limits.map(String.init).joined(separator: ",")),
      "dscp": .text(fabric.plan.marks.map { String($0) }.joined(separator: ",")),
    ]
    let scheduling = try FlowScheduling(values: values)
    do {
      for (host, name) in names.enumerated() {
        _ = try NamespaceSocket.within(fabric.host(host)) {
          try Instance(name).attach(
            scheduling, snapshot, settings: .init(sampleEvery: 1, isConsistent: false))
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

  /// Flows that have ended, and those of them whose predicted band was right, at all hosts.
  func counts() throws -> (ended: UInt64, right: UInt64) {
    try names.reduce((0, 0)) { sum, name in
      guard let function = try Instance(name).pinned().function as? FlowScheduling else { return sum }
      return try function.counts(of: InstanceName(name)).reduce(sum) {
        ($0.0 + $1.ended, $0.1 + $1.right)
      }
    }
  }

  /// All instances as one fast path.
  func fastPath(_ settings: FunctionSettings? = nil) throws -> FabricFastPath {
    try FabricFastPath(names.map { try KernelFastPath(name: $0, settings: settings) })
  }
}

/// Instances that run one network, as the fast path of one slow path: it learns from the flows of all, and
/// what it hands down becomes active in each, one after the other. Versions go in step, since nobody else
/// updates.
final class FabricFastPath: FastPath {
  private let parts: [KernelFastPath]

  init(_ parts: [KernelFastPath]) throws {
    guard !parts.isEmpty else {
      throw TestbedError(.badParameter, "There is no instance to learn from.", remedy: "Attach one.")
    }
    self.parts = parts
  }

  func drain() throws -> Batch {
    let drained = try parts.map { try $0.drain() }
    var whole = drained[0]
    whole.dropped = drained.reduce(0) { $0 + $1.dropped }
    whole.samples = drained.enumerated().flatMap { index, batch in
      batch.samples.map { sample in
        var sample = sample
        // Flows of two hosts may have the same number.
        sample.flow = sample.flow &* UInt64(parts.count) &+ UInt64(index)
        return sample
      }
    }
    return whole
  }

  func query(_ inputs: [[Float]]) throws -> [[Float]] { try parts[0].query(inputs) }
  func stage(_ candidate: Candidate) throws -> UInt64 { try each { try $0.stage(candidate) } }
  func shadow(every: Int?) throws { try each { try $0.shadow(every: every) } }
  func promote() throws { try each { try $0.promote() } }
  func discard() throws { try each { try $0.discard() } }
  func rollback(from expected: UInt64) throws -> UInt64 {
    try each { try $0.rollback(from: expected) }
  }
  func lastChange() throws -> ActiveChange? { try parts[0].lastChange() }
  func activeVersion() throws -> UInt64 { try parts[0].activeVersion() }

  /// The first one's answer.
  private func each<Value>(_ body: (KernelFastPath) throws -> Value) throws -> Value {
    let first = try body(parts[0])
    for part in parts.dropFirst() { _ = try body(part) }
    return first
  }
}
