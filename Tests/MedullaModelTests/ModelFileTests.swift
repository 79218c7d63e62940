import Foundation
import MedullaModel
import Testing

@Suite("Files on disk")
struct ModelFileTests {
  @Test("a network is read by its file's extension, the layer list beside the weights")
  func byExtension() throws {
    let directory = try TemporaryDirectory()
    let seed = ProjectFiles.fuzzCorpus.appendingPathComponent("safetensors/dense-F32")
    let bytes = try Data(contentsOf: seed)
    let mark = try #require(bytes.firstRange(of: Data([0xFF, 0xFE])))
    try bytes[..<mark.lowerBound].write(to: directory.url.appendingPathComponent("policy.safetensors"))
    try bytes[mark.upperBound...].write(to: directory.url.appendingPathComponent("policy.layers.json"))
    let network = try Network.read(contentsOf: directory.path("policy.safetensors"))
    #expect(network.layers.map(\.kind) == ["dense", "tanh"])
    try ONNXWriter.write(network, to: directory.path("policy.onnx"))
    #expect(try Network.read(contentsOf: directory.path("policy.onnx")) == network)
  }

  @Test("a missing file, an unknown extension and an unwritable path are errors that name the path")
  func errors() throws {
    for path in ["/nowhere/model.onnx", "/nowhere/model.safetensors", "/nowhere/model.h5"] {
      do throws(ModelError) {
        _ = try Network.read(contentsOf: path)
        Issue.record("\(path) was read")
      } catch {
        #expect(error.message.contains("/nowhere/"))
        #expect(!error.remedy.isEmpty)
      }
    }
    let network = try Network(name: "n", inputShape: TensorShape([1]), layers: [])
    #expect(throws: ModelError.self) { try ONNXWriter.write(network, to: "/nowhere/model.onnx") }
  }

  @Test("one of several outputs is read when it is chosen")
  func chosenOutput() throws {
    let model = ProjectFiles.fuzzCorpus.appendingPathComponent("onnx/several_outputs.onnx").path
    #expect(try ONNXReader.read(contentsOf: model, output: "z").layers == [.activation(.tanh)])
    #expect(try ONNXReader.read(contentsOf: model, output: "y").layers == [.activation(.relu)])
    #expect(throws: ModelError.self) { try ONNXReader.read(contentsOf: model, output: "w") }
  }

  @Test("external data behind a symbolic link out of the model's directory is refused")
  func symbolicLink() throws {
    let directory = try TemporaryDirectory()
    let elsewhere = try TemporaryDirectory()
    // The corpus model wants 96 bytes of absent.bin.
    let model = ProjectFiles.fuzzCorpus.appendingPathComponent("onnx/external_absent.onnx")
    try FileManager.default.copyItem(atPath: model.path, toPath: directory.path("m.onnx"))
    try Data(count: 96).write(to: elsewhere.url.appendingPathComponent("absent.bin"))
    try FileManager.default.createSymbolicLink(
      atPath: directory.path("absent.bin"), withDestinationPath: elsewhere.path("absent.bin"))
    do throws(ModelError) {
      _ = try ONNXReader.read(contentsOf: directory.path("m.onnx"))
      Issue.record("data outside the directory was read")
    } catch {
      #expect(error.code == .malformedFile)
    }
    try FileManager.default.removeItem(atPath: directory.path("absent.bin"))
    try Data(count: 96).write(to: directory.url.appendingPathComponent("absent.bin"))
    #expect(try ONNXReader.read(contentsOf: directory.path("m.onnx")).parameterCount == 28)
  }
}
