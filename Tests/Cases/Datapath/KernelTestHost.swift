import Foundation
import Glibc
import MedullaBase
import MedullaCompile
import MedullaDatapath
import MedullaModel
import MedullaPacket
import MedullaSnapshot
import Testing

/// What tests that load programs need, and where they get it.
package enum KernelTestHost {
  package static let reason: Comment = "needs root, a kernel with TCP struct_ops, clang and iproute2"

  /// With MEDULLA_REQUIRE_KERNEL=1 such tests run, and fail where the kernel cannot.
  package static let isUsable: Bool = {
    if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1" { return true }
    let needed = ["privileges", "btf", "struct_ops", "clang", "ip"]
    return Doctor().examine().checks.allSatisfy { $0.ok || !needed.contains($0.name) }
  }()

  /// A name that no other run uses.
  package static func name(_ letter: String) -> String { "t\(letter)-\(getpid() % 100_000_000)" }

  /// A network of any size for a custom function, or one over features of flows.
  package static func network(
    seed: UInt64, inputs: Int, outputs: Int, hidden: Int = 6, own: [FunctionSource] = [],
    functions: FunctionList = .all, flows: FlowInterface? = nil, upTo most: Float = 2_000
  ) throws -> (snapshot: DatapathSnapshot, file: SnapshotFile) {
    var generator = SeededGenerator(seed: seed)
    func dense(_ inputs: Int, _ outputs: Int) -> Layer {
      .dense(
        Dense(
          inputs: inputs, outputs: outputs,
          weights: (0..<inputs * outputs).map { _ in Float.random(in: -0.5...0.5, using: &generator) },
          bias: (0..<outputs).map { _ in Float.random(in: -0.5...0.5, using: &generator) }))
    }
    let network = try Network(
      name: "network-\(seed)", inputShape: TensorShape([inputs]),
      layers: [dense(inputs, hidden), .activation(.relu), dense(hidden, outputs)])
    let samples = (0..<64).map { _ in
      (0..<inputs).map { _ in Float.random(in: 0...most, using: &generator) }
    }
    let quantizer = Quantizer(QuantizerOptions(flows: flows))
    let file = try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples)))
    return (try DatapathSnapshot(compiling: file, name: network.name, own: own, functions: functions), file)
  }

  /// A policy of the controller's size whose actions are small and differ from seed to seed.
  package static func policy(seed: UInt64, hidden: Int = 16) throws -> (
    snapshot: DatapathSnapshot, file: SnapshotFile
  ) {
    var generator = SeededGenerator(seed: seed)
    func dense(_ inputs: Int, _ outputs: Int, reach: Float) -> Layer {
      .dense(
        Dense(
          inputs: inputs, outputs: outputs,
          weights: (0..<inputs * outputs).map { _ in Float.random(in: -reach...reach, using: &generator) },
          bias: (0..<outputs).map { _ in Float.random(in: -reach...reach, using: &generator) }))
    }
    let network = try Network(
      name: "policy-\(seed)", inputShape: TensorShape([30]),
      layers: [
        dense(30, hidden, reach: 0.3), .activation(.tanh), dense(hidden, 8, reach: 0.5), .activation(.tanh),
        dense(8, 1, reach: 0.05),
      ])
    let samples = (0..<64).map { _ in
      (0..<10).flatMap { _ in
        [
          Float.random(in: -1...1, using: &generator), Float.random(in: 1...6, using: &generator),
          Float.random(in: 0.2...3, using: &generator),
        ]
      }
    }
    let file = try SnapshotFile(Quantizer().quantize(network, Calibration(samples: samples)))
    return (try DatapathSnapshot(compiling: file, name: network.name), file)
  }
}

/// Waits until `condition` holds, at most so long, asking again after so many microseconds.
package func eventually(
  within seconds: Double = 10, every microseconds: UInt32 = 50_000, _ condition: () throws -> Bool
) rethrows -> Bool {
  let deadline = Date().addingTimeInterval(seconds)
  while Date() < deadline {
    if try condition() { return true }
    usleep(microseconds)
  }
  return try condition()
}
