import Foundation
import MedullaBase
import MedullaModel
import Testing

/// What `medulla compile` does with a network that no single kernel program holds.
@Suite("Large networks")
struct LargeNetworkTests {
  @Test("a network beyond one program becomes a bundle without programs that says why, unless asked to fail")
  func withoutPrograms() throws {
    try withFolder { folder in
      let model = try write(to: folder)
      let bundle = folder + "/net.medulla"
      let arguments = ["compile", model, "--calibration", folder + "/samples.npy", "-o", bundle]
      let outcome = try MedullaCommandLine.run(arguments + ["--json"], timeout: 300)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let manifest = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      #expect((manifest["programs"] as? [Any])?.isEmpty == true)
      #expect((manifest["programs_note"] as? String)?.contains("working memory") == true)
      let error = try #require((manifest["error"] as? [String: Any])?["mean_relative"] as? Double)
      #expect(error < 0.02, "it is quantized all the same")
      #expect(FileManager.default.fileExists(atPath: bundle + "/snapshot.medulla"))
      let inspect = try MedullaCommandLine.run(["inspect", bundle])
      #expect(inspect.output.contains("programs     none: "))
      let strict = try MedullaCommandLine.run(arguments + ["--require-programs"], timeout: 300)
      #expect(strict.status != 0)
      #expect(strict.errors.contains("working memory"))
    }
  }

  /// Two neurons over more features than a processor's working memory holds.
  private func write(to folder: String) throws -> String {
    var generator = SeededGenerator(seed: 5)
    func draw(_ count: Int) -> [Float] { (0..<count).map { _ in Float(generator.unit() - 0.5) } }
    let network = try Network(
      name: "wide", inputShape: TensorShape([3000]),
      layers: [.dense(Dense(inputs: 3000, outputs: 2, weights: draw(6000), bias: draw(2)))])
    try ONNXWriter.write(network, to: folder + "/net.onnx")
    try SampleFile.write((0..<8).map { _ in draw(3000) }, to: folder + "/samples.npy")
    return folder + "/net.onnx"
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-large-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }
}
