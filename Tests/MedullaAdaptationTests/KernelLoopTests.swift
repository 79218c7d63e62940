import DatapathCases
import Foundation
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaModel
import MedullaSnapshot
import Testing

@testable import MedullaAdaptation
@testable import MedullaCongestionAdapter

@Suite(
  "the slow path over the kernel's congestion control", .serialized,
  .enabled(if: KernelFlows.isUsable, KernelFlows.reason))
struct KernelLoopTests {
  static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../models").standardizedFileURL.path

  struct Host {
    let name: String
    let congestion: String
    let start: StartNetwork
    let records = RecordBook()
    let loopback: SlowLoopback

    /// The shipped network, attached under a name of the test's own.
    init(_ letter: String, consistency: Bool) throws {
      name = "a\(letter)-\(getpid() % 100_000_000)"
      let network = try ONNXReader.read(contentsOf: KernelLoopTests.models + "/aurora-medulla.onnx")
      let samples = try SampleFile.read(
        KernelLoopTests.models + "/aurora-medulla-calibration.npy", elements: 30)
      let file = try SnapshotFile(Quantizer().quantize(network, Calibration(samples: samples)))
      start = try StartNetwork(network: network, samples: samples, shape: file.snapshot.shape)
      loopback = try SlowLoopback(rate: "50mbit", burst: 20_000)
      let status = try Instance(name).attach(
        CongestionControl(), DatapathSnapshot(compiling: file, name: "aurora"))
      congestion = status.congestion
      do {
        try Instance(name).setSampling(every: 1)
        try Instance(name).setConsistency(consistency)
      } catch {
        try? Instance(name).detach()
        throw error
      }
    }

    /// What happened, without the course of it.
    var told: [LoopRecord] { records.all.filter { !["batch", "progress", "gates"].contains($0.kind) } }

    func runner(_ adapter: any Adapter, window: Duration, updates: Duration) throws -> FunctionRunner {
      let settings = FunctionSettings(
        name: name, bundle: "shipped", interval: .milliseconds(50), adapter: .simulator(.init(steps: 128)),
        gates: GateSettings(
          stability: .init(window: 2, range: 10), necessity: .init(statistic: .mean, alpha: 0),
          accuracy: .init(maxError: 0.2), updateInterval: updates),
        watch: WatchSettings(window: window, loss: 0.05, significance: 0.05, backOff: .seconds(600)))
      let records = records
      return try FunctionRunner(
        settings: settings, fastPath: KernelFastPath(name: name), adapter: adapter, start: start,
        journal: RunnerJournal { records.add($0) })
    }
  }

  @Test("live samples lead through the gates to a promotion and a verdict, and no flow breaks")
  func cycle() throws {
    let host = try Host("c", consistency: true)
    defer { try? Instance(host.name).detach() }
    let flow = try BulkFlow(host.loopback, congestion: host.congestion)
    defer { flow.end() }
    let runner = try host.runner(
      CongestionAdapter(network: host.start.network, settings: .init(steps: 128)), window: .seconds(2),
      updates: .milliseconds(500))
    runner.start()
    defer { runner.stop() }
    #expect(eventually(within: 60) { !host.records.of("promotion").isEmpty }, "\(host.told)")
    // Old flows keep the old version, so the new one needs new flows.
    let late = try (0..<2).map { _ in try BulkFlow(host.loopback, congestion: host.congestion) }
    defer { for flow in late { flow.end() } }
    #expect(eventually(within: 30) { !host.records.of("verdict").isEmpty })
    let state = runner.snapshot()
    #expect(state.samples > 0 && state.rounds >= 2 && state.promotions >= 1)
    #expect(host.records.of("batch").count > 0 && host.records.of("gates").count > 0)
    guard case .staged(let candidate)? = host.records.of("staged").first else {
      Issue.record("nothing was staged")
      return
    }
    #expect(candidate.matchesShape)
    for flow in [flow] + late {
      let sent = flow.sent
      #expect(eventually { flow.sent > sent + 100_000 } && flow.isWhole)
    }
  }

  @Test("a bad candidate is rolled back by the watch while its flow goes on")
  func rollback() throws {
    // The watch judges by three seconds of rewards, and beside other work these may show nothing: then again.
    var told: [[LoopRecord]] = []
    for _ in 0..<3 {
      let host = try Host("r", consistency: false)
      defer { try? Instance(host.name).detach() }
      if try isRolledBack(on: host) { return }
      told.append(host.told)
    }
    Issue.record("not rolled back in \(told.count) tries: \(told)")
  }

  /// Whether the bad candidate was rolled back; what comes of that is examined.
  private func isRolledBack(on host: Host) throws -> Bool {
    let flow = try BulkFlow(host.loopback, congestion: host.congestion)
    defer { flow.end() }
    // Whatever it sees, it takes a third off its rate. The same shape: the flow follows at its next ACK.
    let bad = try Network(
      name: "bad", inputName: "observation", outputName: "action", inputShape: TensorShape([30]),
      layers: host.start.network.layers.map { layer in
        guard case .dense(let dense) = layer, dense.outputs == 1 else { return layer }
        return .dense(
          Dense(inputs: dense.inputs, outputs: 1, weights: dense.weights, bias: dense.bias.map { $0 - 20 }))
      })
    let runner = try host.runner(ScriptedAdapter(bad), window: .seconds(3), updates: .seconds(3))
    runner.start()
    defer { runner.stop() }
    guard eventually(within: 60, { !host.records.of("verdict").isEmpty }),
      case .verdict(let verdict)? = host.records.of("verdict").last, verdict.outcome == .worse
    else { return false }
    #expect(eventually(within: 10) { !host.records.of("rollback").isEmpty }, "\(host.told)")
    guard case .rollback(let rollback)? = host.records.of("rollback").first else { return false }
    #expect(try #require(verdict.relativeLoss) > 0.05)
    #expect(rollback.isAutomatic && rollback.to == 1)
    let active = try Instance(host.name).status().slots.first { $0.state == .active }
    #expect(active?.version == 1)
    let sent = flow.sent
    #expect(eventually { flow.sent > sent + 1_000_000 } && flow.isWhole)
    return true
  }

  @Test("a candidate that fills the queue of all flows is taken back, though old and new fall together")
  func sharedQueue() throws {
    let host = try Host("q", consistency: true)
    defer { try? Instance(host.name).detach() }
    let old = try (0..<3).map { _ in try BulkFlow(host.loopback, congestion: host.congestion) }
    defer { for flow in old { flow.end() } }
    // Whatever it sees, it adds to its rate.
    let greedy = try Network(
      name: "greedy", inputName: "observation", outputName: "action", inputShape: TensorShape([30]),
      layers: host.start.network.layers.map { layer in
        guard case .dense(let dense) = layer, dense.outputs == 1 else { return layer }
        return .dense(
          Dense(inputs: dense.inputs, outputs: 1, weights: dense.weights, bias: dense.bias.map { $0 + 20 }))
      })
    let runner = try host.runner(ScriptedAdapter(greedy), window: .seconds(4), updates: .seconds(4))
    runner.start()
    defer { runner.stop() }
    #expect(eventually(within: 30) { !host.records.of("promotion").isEmpty }, "\(host.told)")
    let new = try (0..<3).map { _ in try BulkFlow(host.loopback, congestion: host.congestion) }
    defer { for flow in new { flow.end() } }
    #expect(eventually(within: 30) { !host.records.of("rollback").isEmpty }, "\(host.told)")
    guard case .verdict(let verdict)? = host.records.of("verdict").first else { return }
    #expect([.fell, .worse].contains(verdict.outcome), "\(verdict)")
    let active = try Instance(host.name).status().slots.first { $0.state == .active }
    #expect(active?.version == 1)
    for flow in old + new { #expect(flow.isWhole) }
  }
}
