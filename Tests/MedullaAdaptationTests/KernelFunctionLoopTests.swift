import DatapathCases
import Foundation
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaModel
import MedullaPacket
import MedullaSnapshot
import Testing

@testable import MedullaAdaptation

@Suite(
  "the slow path over what is attached, also by others", .serialized,
  .enabled(if: KernelFlows.isUsable, KernelFlows.reason))
struct KernelFunctionLoopTests {
  private static let example = KernelLoopTests.models + "/../examples/custom-function"

  @Test("an instance that someone detaches and attaches anew has its function's settings again")
  func attachedAnew() throws {
    let name = "an-\(getpid() % 100_000_000)"
    let network = try ONNXReader.read(contentsOf: KernelLoopTests.models + "/aurora-medulla.onnx")
    let samples = try SampleFile.read(
      KernelLoopTests.models + "/aurora-medulla-calibration.npy", elements: 30)
    let file = try SnapshotFile(Quantizer().quantize(network, Calibration(samples: samples)))
    let snapshot = try DatapathSnapshot(compiling: file, name: "aurora")
    let settings = FunctionSettings(
      name: name, bundle: "shipped", sampling: 7, consistency: false, drainLimit: .seconds(90))
    try Instance(name).attach(CongestionControl(), snapshot)
    defer { try? Instance(name).detach() }
    try settings.apply()
    let path = try KernelFastPath(name: name, settings: settings)
    _ = try path.drain()
    #expect(!path.isAttachedAnew())
    try Instance(name).detach()
    #expect(throws: DatapathError.self) { try path.drain() }
    try Instance(name).attach(CongestionControl(), snapshot)
    #expect(try Instance(name).status().sampling == 0)
    _ = try path.drain()
    // Draining must not wait for the command lock: the other thread sets what was set.
    #expect(try path.activeVersion() == 1)
    let status = try Instance(name).status()
    #expect(status.sampling == 7 && !status.consistency && status.drainLimitSeconds == 90)
    #expect(path.isAttachedAnew())
    #expect(!path.isAttachedAnew())
    let answer = try path.query([samples[0]])
    #expect(try abs(answer[0][0] - FloatReference(network).run(samples[0])[0]) < 0.1)
  }

  @Test("a custom function's candidate infers in its shadow on live packets before it acts")
  func customShadow() throws {
    let loopback = try SlowLoopback(rate: "50mbit", burst: 20_000)
    let name = "as-\(getpid() % 100_000_000)"
    let network = try Network.read(contentsOf: Self.example + "/classify.safetensors")
    let samples = try SampleFile.read(Self.example + "/classify-calibration.npy", elements: 6)
    let file = try SnapshotFile(Quantizer().quantize(network, Calibration(samples: samples)))
    let own = [try FunctionSource(contentsOf: Self.example + "/classify.bpf.c")]
    let snapshot = try DatapathSnapshot(compiling: file, name: "classify", own: own)
    _ = try loopback.inside {
      try Instance(name).attach(
        PacketFunction(hook: FunctionHook("tc:lo:egress")), snapshot,
        settings: .init(sampleEvery: 1))
      return (0, 0)
    }
    defer { try? Instance(name).detach() }
    // Nearly the same answers: the last layer's weights a little smaller.
    let last = network.layers.lastIndex { if case .dense = $0 { true } else { false } }
    let candidate = try Network(
      name: "candidate", inputName: network.inputName, outputName: network.outputName,
      inputShape: network.inputShape,
      layers: network.layers.enumerated().map { index, layer in
        guard index == last, case .dense(let dense) = layer else { return layer }
        return .dense(
          Dense(
            inputs: dense.inputs, outputs: dense.outputs, weights: dense.weights.map { $0 * 0.97 },
            bias: dense.bias))
      })
    let settings = FunctionSettings(
      name: name, function: "packet",
      values: ["program": .text(Self.example + "/classify.bpf.c"), "hook": .text("tc:lo:egress")],
      bundle: "example", interval: .milliseconds(50),
      gates: GateSettings(
        stability: .init(window: 2, range: 10), necessity: .init(statistic: .mean, alpha: 0),
        accuracy: .init(maxError: 0.5), updateInterval: .milliseconds(200)),
      shadow: ShadowSettings(every: 2, decisions: 200, maxDifference: 0.5, limit: .seconds(60)))
    let records = RecordBook()
    let runner = try FunctionRunner(
      settings: settings, fastPath: KernelFastPath(name: name, settings: settings),
      adapter: ScriptedAdapter(candidate),
      start: StartNetwork(network: network, samples: samples, shape: file.snapshot.shape),
      journal: RunnerJournal { records.add($0) })
    runner.start()
    defer { runner.stop() }
    // To a port that tells the truth about itself: of others the example sends no samples.
    let dialogue = try Dialogue(loopback, port: 22)
    let isPromoted = eventually(within: 60) {
      dialogue.say(20)
      return !records.of("promotion").isEmpty
    }
    #expect(isPromoted, "\(records.of("failure")) \(runner.snapshot())")
    let kinds = records.all.map(\.kind).filter { ["staged", "shadow", "promotion"].contains($0) }
    #expect(Array(kinds.prefix(3)) == ["staged", "shadow", "promotion"])
    guard case .shadow(let shadow)? = records.of("shadow").first else { return }
    #expect(shadow.passed && shadow.decisions >= 200)
    #expect(shadow.meanDifference > 0 && shadow.meanDifference < 0.5, "compared with another network")
    let active = try Instance(name).status().slots.first { $0.state == .active }
    #expect(active?.version == shadow.version)
  }

  /// Small messages to a port, from inside a namespace.
  private final class Dialogue {
    private let descriptor: Int32
    private let port: UInt16

    init(_ loopback: SlowLoopback, port: UInt16) throws {
      self.port = port
      descriptor = try loopback.inside { (socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), 0) }.0
    }

    deinit { close(descriptor) }

    func say(_ messages: Int) {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      for number in 0..<messages {
        let text = String(repeating: "k", count: 5 + number)
        _ = withUnsafePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(descriptor, text, text.utf8.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
      }
    }
  }
}
