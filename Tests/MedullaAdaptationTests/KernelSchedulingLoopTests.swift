import CMedullaABI
import DatapathCases
import Foundation
import MedullaDatapath
import MedullaLearning
import MedullaModel
import MedullaScheduling
import MedullaSnapshot
import PacketCases
import Testing

@testable import MedullaAdaptation
@testable import MedullaCompile

/// Flow scheduling learns sizes from nothing but flows that have ended.
@Suite(
  "flow scheduling keeps learning", .serialized,
  .enabled(if: KernelFlows.isUsable, KernelFlows.reason))
struct KernelSchedulingLoopTests {
  /// What a flow's first payload says of its size, before and after the mix drifts: payload and bytes.
  private static let sizes: [(payload: Int, bytes: Int)] = [(40, 1_500), (150, 12_000), (600, 60_000)]
  private static let drifted: [(payload: Int, bytes: Int)] = [(40, 60_000), (150, 12_000), (600, 1_500)]

  private struct Traffic {
    let wire: VethPair
    let name: InstanceName
    private var flows = 0

    init(_ wire: VethPair, _ name: InstanceName) { (self.wire, self.name) = (wire, name) }

    private static func frame(_ flow: Int, payload: Int, flags: UInt8) -> [UInt8] {
      var frame =
        Wire.ethernet(0x0800) + Wire.four(6, bytes: 20 + payload) + Wire.tcp(flags: flags)
        + [UInt8](repeating: 7, count: payload)
      frame.replaceSubrange(28..<30, with: Wire.word(flow >> 15 & 0xffff))
      frame.replaceSubrange(34..<36, with: Wire.word(1_024 + flow & 0x7fff))
      return frame
    }

    /// Thirty flows, one after the other; the share whose predicted band was right.
    mutating func share(of mix: [(payload: Int, bytes: Int)]) throws -> Double {
      let before = try counts()
      var frames: [[UInt8]] = []
      for number in 0..<30 {
        let (payload, bytes) = mix[number % mix.count]
        flows += 1
        frames.append(Self.frame(flows, payload: payload, flags: 24))
        let rest = (bytes - payload - 54) / 1_054
        for index in 0..<max(rest, 1) {
          frames.append(Self.frame(flows, payload: 1_000, flags: index == max(rest, 1) - 1 ? 17 : 16))
        }
      }
      let all = frames
      let sent = try wire.send(all.count, on: 0) { all[$0] }
      guard sent == all.count else { return 0 }
      let after = try counts()
      return Double(after.right - before.right) / Double(max(after.ended - before.ended, 1))
    }

    private func counts() throws -> (ended: UInt64, right: UInt64) {
      guard let function = try Instance(name.text).pinned().function as? FlowScheduling else { return (0, 0) }
      let all = try function.counts(of: name)
      return (all.reduce(0) { $0 + $1.ended }, all.reduce(0) { $0 + $1.right })
    }
  }

  /// FFNN of FLUX and LiteFlow, §5.2: two hidden layers of five neurons.
  private static func start() throws -> (network: Network, samples: [[Float]]) {
    let network = try DenseNetwork(
      widths: [3, 5, 5, 1], activations: [.relu, .relu, .identity], seed: 4
    ).network(name: "ffnn")
    let samples: [[Float]] = (0..<256).map { (number: Int) -> [Float] in
      [Float(number % 16), Float(number / 16), Float(number % 8) + 5]
    }
    return (network, samples)
  }

  @Test(
    "an untrained network comes to tell sizes, and again when the mix has drifted, with no labels from anyone"
  )
  func learns() throws {
    let wire = try VethPair()
    let name = try InstanceName("sl-\(getpid() % 100_000_000)")
    let (network, samples) = try Self.start()
    let features = ["log2(1+payload_forward)", "log2(1+recent_bytes_1)", "log2(1+recent_gap_1)"]
    let flows = FlowInterface(features: features.compactMap(InputFeature.init))
    let quantizer = Quantizer(QuantizerOptions(flows: flows))
    let file = try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples)))
    let snapshot = try DatapathSnapshot(compiling: file, name: "ffnn")
    let hook = "tc:\(VethPair.sender):egress"
    let values: [String: FunctionValue] = ["hook": .text(hook), "bands": .text("4KiB,30KiB")]
    let scheduling = try FlowScheduling(values: values)
    _ = try wire.inside {
      try Instance(name.text).attach(
        scheduling, snapshot, settings: .init(sampleEvery: 1, isConsistent: false))
    }
    defer { try? Instance(name.text).detach() }
    var traffic = Traffic(wire, name)
    let untrained = try traffic.share(of: Self.sizes)
    #expect(untrained < 0.5)

    let adapter = AdapterSettings.Supervised(
      target: 0, targetScale: 65_536, rate: 0.01, replay: 300, steps: 200)
    let settings = FunctionSettings(
      name: name.text, function: "scheduling", values: values, bundle: "ffnn", interval: .milliseconds(50),
      consistency: false,
      gates: GateSettings(
        stability: .init(window: 2, range: 10), necessity: .init(statistic: .mean, alpha: 0.01),
        accuracy: .init(maxError: 0.5), updateInterval: .milliseconds(200)),
      watch: WatchSettings(window: .zero))
    let records = RecordBook()
    let runner = try FunctionRunner(
      settings: settings, fastPath: KernelFastPath(name: name.text, settings: settings),
      adapter: SupervisedAdapter(network: network, settings: adapter),
      start: StartNetwork(network: network, samples: samples, shape: file.snapshot.shape),
      journal: RunnerJournal { records.add($0) })
    runner.start()
    defer { runner.stop() }
    func comesToTell(_ mix: [(payload: Int, bytes: Int)]) throws -> Bool {
      try eventually(within: 180) {
        usleep(100_000)
        return try traffic.share(of: mix) > 0.85
      }
    }
    #expect(try comesToTell(Self.sizes), "\(records.of("failure")) \(runner.snapshot())")
    let promotions = records.of("promotion").count
    #expect(promotions > 0)
    // Small and large have changed places: what was learned is wrong now.
    let surprised = try traffic.share(of: Self.drifted)
    #expect(surprised < 0.5)
    #expect(try comesToTell(Self.drifted), "\(records.of("failure")) \(runner.snapshot())")
    #expect(records.of("promotion").count > promotions)
  }
}
