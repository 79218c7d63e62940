import Foundation
import MedullaModel
import Testing

/// What `medulla compile` and `run-model` take as models and samples.
@Suite("Models and samples", .serialized)
struct ModelInputTests {
  private static let model = MedullaCommandLine.root.path + "/fuzz/corpus/onnx/several_outputs.onnx"

  @Test("one of a model's outputs is chosen by its name, and the error without one tells the option")
  func outputs() throws {
    try withFolder { folder in
      let size = try ONNXReader.read(contentsOf: Self.model, output: "z").inputShape.count
      let samples = folder + "/samples.csv"
      let row = Array(repeating: "0.5", count: size).joined(separator: ",")
      try Data("\(row)\n\(row.replacingOccurrences(of: "0.5", with: "-1"))\n".utf8).write(
        to: URL(fileURLWithPath: samples))
      let arguments = ["compile", Self.model, "--calibration", samples, "-o", folder + "/net.medulla"]
      let open = try MedullaCommandLine.run(arguments)
      #expect(open.status != 0 && open.errors.contains("--output-name NAME"), "\(open.errors)")
      let wrong = try MedullaCommandLine.run(arguments + ["--output-name", "w"])
      #expect(wrong.status != 0 && wrong.errors.contains("It has: "), "\(wrong.errors)")
      let chosen = try MedullaCommandLine.run(arguments + ["--output-name", "z"])
      #expect(chosen.status == 0, "\(chosen.errors)")
      let run = try MedullaCommandLine.shell(
        "cat \(samples) | bin/medulla run-model \(folder)/net.medulla --input /dev/stdin --runtime float")
      #expect(run.status == 0 && run.output.contains(","), "\(run.errors)")
      let pipe = try MedullaCommandLine.shell(
        "bin/medulla run-model \(folder)/net.medulla --input <(cat \(samples)) --json")
      #expect(pipe.status == 0, "\(pipe.errors)")
    }
  }

  @Test("an input that is not a number is refused by every runtime with file, row and column")
  func notNumbers() throws {
    try withFolder { folder in
      let bundle = folder + "/net.medulla"
      let samples = folder + "/samples.csv"
      try Data("1,nan\n".utf8).write(to: URL(fileURLWithPath: samples))
      for (name, weight) in [("net", 0.5 as Float), ("large", 3e38)] {
        let dense = Dense(inputs: 2, outputs: 1, weights: [weight, weight], bias: [0])
        let network = try Network(name: name, inputShape: TensorShape([2]), layers: [.dense(dense)])
        try ONNXWriter.write(network, to: folder + "/\(name).onnx")
      }
      let compile = ["compile", folder + "/net.onnx", "-o", bundle, "--calibration"]
      let refused = try MedullaCommandLine.run(compile + [samples])
      #expect(refused.errors.contains("\(samples): line 1, column 2"), "\(refused.errors)")
      // Sums that leave float32 are refused in words, not as numbers that JSON cannot hold.
      try Data("10,10\n1,2\n".utf8).write(to: URL(fileURLWithPath: samples))
      let large = try MedullaCommandLine.run([
        "compile", folder + "/large.onnx", "-o", bundle, "--calibration", samples,
      ])
      #expect(large.status != 0 && large.errors.contains("leaves float32"), "\(large.errors)")
      try Data("0.1,0.2\n0.3,-0.4\n".utf8).write(to: URL(fileURLWithPath: samples))
      #expect(try MedullaCommandLine.run(compile + [samples]).status == 0)
      try Data("0,0\n1,inf\n".utf8).write(to: URL(fileURLWithPath: samples))
      for runtime in ["float", "reference", "kernel"] {
        let run = try MedullaCommandLine.run(["run-model", bundle, "--input", samples, "--runtime", runtime])
        #expect(run.status != 0 && run.errors.contains("\(samples): line 2, column 2"), "\(run.errors)")
      }
      for outcome in [refused, large] {
        for raw in ["EncodingError", "DecodingError", "NSCocoa", "Swift."] {
          #expect(!outcome.errors.contains(raw), "\(outcome.errors)")
        }
      }
    }
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }
}
