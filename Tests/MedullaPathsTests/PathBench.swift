import CMedullaABI
import DatapathCases
import Foundation
import MedullaCompile
import MedullaModel
import MedullaSnapshot
import PacketCases
import Testing

@testable import MedullaDatapath
@testable import MedullaPaths

/// An instance at the near end of two wires.
struct PathBench: Sendable {
  let name: InstanceName
  let wires: Wires

  /// A network that is told the two paths' round trips and says fixed costs.
  static func network(_ costs: [Float]) throws -> (snapshot: DatapathSnapshot, file: SnapshotFile) {
    let features = ["log2(1+path_rtt_1)", "log2(1+path_rtt_2)"].compactMap(InputFeature.init)
    let network = try Network(
      name: "costs", inputShape: TensorShape([2]),
      layers: [.dense(Dense(inputs: 2, outputs: 2, weights: [0.001, 0, 0, 0.001], bias: costs))])
    let samples = (0...64).map { [Float($0) / 2, Float($0) / 3] }
    let quantizer = Quantizer(QuantizerOptions(flows: FlowInterface(features: features)))
    let file = try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples)))
    return (try DatapathSnapshot(compiling: file, name: "costs"), file)
  }

  /// - Parameters:
  ///   - device: where packets go without it: `med-p0`, or `med-hook`, which is not one of the paths.
  ///   - isNarrow: whether routes leave room for headers.
  static func attached(
    _ letter: String, costs: [Float], paths: [String] = ["route", "dev=med-p1"],
    at device: String = "med-p0", isNarrow: Bool = true,
    _ change: (inout PathSettings) throws -> Void = { try $0.setExploration(0) },
    _ body: (PathBench) throws -> Void
  ) throws {
    let wires = try Wires()
    if device == "med-hook" { try wires.steer() }
    if isNarrow, device == "med-p0" { try wires.narrow(to: 1_380) }
    var settings = try PathSettings(paths.map { try NetworkPath($0) })
    try settings.setExploration(0)
    try change(&settings)
    let name = try InstanceName(KernelTestHost.name(letter))
    let selection = PathSelection(at: try FunctionHook("tc:\(device):egress"), settings)
    let snapshot = try Self.network(costs).snapshot
    _ = try wires.insideNear {
      try Instance(name.text).attach(selection, snapshot, settings: .init(sampleEvery: 1))
    }
    defer { try? Instance(name.text).detach() }
    try body(PathBench(name: name, wires: wires))
  }

  private func selection() throws -> PathSelection {
    try #require(try Instance(name.text).pinned().function as? PathSelection)
  }

  func counts() throws -> [path_counts] { try selection().counts(of: name) }

  func states() throws -> [path_state] { try selection().states(of: name) }

  /// Frames at the far end of each wire.
  func arrived() throws -> [Int] { try (0..<2).map(wires.arrived) }

  /// Where segments of IPv6 end, at the far end of the second wire.
  func endSegments() throws {
    try wires.configureNear(["-6", "route", "add", "fd00::/16", "via", "fd80:1::2", "dev", "med-p1"])
    for arguments in [
      ["fd00:1::e/128", "encap", "seg6local", "action", "End", "dev", "med-q1"],
      ["fd00:2::4/128", "encap", "seg6local", "action", "End.DX4", "nh4", Wires.server, "dev", "med-q1"],
    ] {
      try wires.configureFar(["-6", "route", "add"] + arguments)
    }
  }

  /// Small and large packets, alone and as one for many, through the second path.
  func checksTunnel(to address: String) throws {
    let server = try wires.serve()
    defer { withExtendedLifetime(server) {} }
    let before = try arrived()
    _ = try wires.send(2, bytes: 3_000_000, to: address)
    _ = try wires.send(3, bytes: 10, to: address)
    let after = try arrived()
    let counts = try counts()
    #expect(counts.map(\.flows) == [0, 5] && counts[1].unfit == 0)
    // Thousands of segments and not a hundred, on the second wire.
    #expect(after[1] - before[1] > 50 && after[0] - before[0] < 10, "\(before) \(after)")
  }
}
