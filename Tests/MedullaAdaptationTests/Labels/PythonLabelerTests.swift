import Foundation
import Glibc
import MedullaLabels
import MedullaModel
import Testing

@testable import MedullaAdaptation

@Suite("Labelers of the Python package, end to end")
struct PythonLabelerTests {
  /// The interpreter of the adapters' tests, where it has ONNX Runtime too.
  static let onnx: String? = {
    guard let interpreter = ProcessContractTests.numpy else { return nil }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: interpreter)
    process.arguments = ["-c", "import onnxruntime"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    process.waitUntilExit()
    return process.terminationStatus == 0 ? interpreter : nil
  }()

  static func agent(
    _ settings: ProcessSettings, folder: String, change: (inout ProcessSettings) -> Void = { _ in }
  ) throws -> ProcessLabelingAgent {
    var settings = settings
    settings.isolation = ProcessContractTests.isolation(of: settings.command[0])
    settings.isolation.reads = [folder]
    let package = ProcessContractTests.root.appendingPathComponent("python").path
    settings.environment["PYTHONPATH"] = "\(package):\(folder)"
    settings.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    settings.startPatience = .seconds(60)
    settings.deadline = .seconds(30)
    change(&settings)
    return try ProcessLabelingAgent("python", settings, schema: LabelerPeer.schema, log: ProcessPeer.quiet)
  }

  /// A folder that any user may read.
  static func folder() throws -> String {
    let path = NSTemporaryDirectory() + "medulla-labeler-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    mkdir(path, 0o755)
    chmod(path, 0o755)
    return path
  }

  static func write(_ data: Data, _ path: String) throws {
    try data.write(to: URL(fileURLWithPath: path))
    chmod(path, 0o644)
  }

  @Test(
    "a class of one's own labels flow by flow, by name or place, and abstains",
    .enabled(if: ProcessContractTests.numpy != nil, "needs NumPy for python3"))
  func own() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let source = """
      from medulla import Labelled, Labeler

      class Mine(Labeler):
          def label(self, request):
              if request.flow is not None and str(request.flow.destination) == "198.51.100.7": return "attack"
              if request.facts.get("packets") == 3: return 2
              if request.prediction == "benign": return Labelled("benign", 0.75)
              return None
      """
    try Self.write(Data(source.utf8), folder + "/mine.py")
    let interpreter = try #require(ProcessContractTests.numpy)
    let agent = try Self.agent(.labeler("mine:Mine", interpreter: interpreter), folder: folder)
    defer { agent.close() }
    let flow = FlowEndpoints(
      source: [192, 0, 2, 1], destination: [198, 51, 100, 7], sourcePort: 1, destinationPort: 2, transport: 17
    )
    let labels = try agent.label([
      LabelRequest(sample: 1, flow: flow, features: [0, 0]),
      LabelRequest(sample: 2, features: [0, 0], facts: ["packets": 3]),
      LabelRequest(sample: 3, features: [0, 0], prediction: 0),
      LabelRequest(sample: .max, features: [0, 0]),
    ])
    #expect(labels.map(\.sample) == [1, 2, 3, .max] && labels.map(\.label) == [1, 2, 0, nil])
    #expect(labels[2].confidence == 0.75)
  }

  @Test(
    "a network through ONNX Runtime labels as the float reference does, and abstains below its confidence",
    .enabled(if: onnx != nil, "needs ONNX Runtime for python3"))
  func network() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let network = try Network(
      name: "larger", inputShape: TensorShape([2]),
      layers: [
        .dense(Dense(inputs: 2, outputs: 3, weights: [1, 0, -1, 0.5, 0.25, -1], bias: [0.1, 0, -0.2]))
      ])
    try Self.write(try ONNXWriter.data(network), folder + "/larger.onnx")
    let interpreter = try #require(Self.onnx)
    let agent = try Self.agent(
      .labeler("medulla.labeler:OnnxLabeler", interpreter: interpreter), folder: folder
    ) {
      $0.options = ["model": .text(folder + "/larger.onnx"), "confidence": 0.6]
    }
    defer { agent.close() }
    let requests = (0..<60).map {
      LabelRequest(sample: UInt64($0), features: [Double($0 % 10) - 5, Double($0 / 10) - 3])
    }
    let labels = try agent.label(requests)
    try #require(labels.count == requests.count)
    let reference = FloatReference(network)
    var abstained = 0
    for (request, label) in zip(requests, labels) {
      let outputs = try reference.run(request.features.map { Float($0) })
      let powers = outputs.map { exp(Double($0)) }
      let probabilities = powers.map { $0 / powers.reduce(0, +) }
      let best = try #require(probabilities.max())
      guard abs(best - 0.6) > 1e-4 else { continue }
      if best < 0.6 { abstained += 1 }
      #expect(label.label == (best < 0.6 ? nil : probabilities.firstIndex(of: best)), "\(request.features)")
      if best > 0.6 { #expect(abs(label.confidence - best) < 1e-4) }
    }
    #expect(abstained > 0 && abstained < 60)
  }
}
