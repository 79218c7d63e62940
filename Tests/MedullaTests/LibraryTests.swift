import Foundation
import Medulla
import Testing

/// What a program that depends on this package sees: only the public interface, as `packageAccess` is off
/// here.
@Suite("the library")
struct LibraryTests {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  static let model = root + "/models/aurora-medulla.onnx"
  static let calibration = root + "/models/aurora-medulla-calibration.npy"

  @Test("a model becomes a bundle that runs, with its sizes and its error")
  func compiles() throws {
    let bundle = try Medulla.compile(model: Self.model, calibration: Self.calibration)
    #expect(bundle.inputs == 30 && bundle.outputs == 1)
    #expect(bundle.meanError < 0.001)
    #expect(bundle.digest.count == 64)
    #expect(try bundle.run([Float](repeating: 1, count: 30)).count == 1)
    #expect(throws: MedullaError.self) { try bundle.run([1]) }
  }

  @Test("a bundle that was kept in memory is saved, and opens as the same")
  func saves() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("saved.medulla").path
    let bundle = try Medulla.compile(model: Self.model, calibration: Self.calibration)
    try bundle.save(to: path)
    #expect(try CompiledNetwork(contentsOf: path).digest == bundle.digest)
    #expect(throws: MedullaError.self) { try bundle.save(to: path) }
  }

  @Test("what cannot be read or asked is one kind of error, with a code and what to do")
  func errors() throws {
    let absent = #expect(throws: MedullaError.self) {
      try Medulla.compile(model: "absent.onnx", calibration: Self.calibration)
    }
    #expect(absent.map { !$0.message.isEmpty && !$0.code.isEmpty } == true)
    let unknown = #expect(throws: MedullaError.self) {
      try Medulla.compile(model: Self.model, calibration: Self.calibration, output: "absent")
    }
    #expect(unknown?.code == "missing_data")
    let bundle = try Medulla.compile(model: Self.model, calibration: Self.calibration)
    let nothing = #expect(throws: MedullaError.self) { try bundle.run([Float](repeating: .nan, count: 30)) }
    #expect(nothing?.code == "not_finite")
    let options = CompileOptions(scheme: .w8a8, maxError: 0.01)
    let both = #expect(throws: MedullaError.self) {
      try Medulla.compile(model: Self.model, calibration: Self.calibration, options: options)
    }
    #expect(both?.code == "bad_options")
  }

  @Test("the README shows the example that is built")
  func example() throws {
    let readme = try String(contentsOfFile: Self.root + "/README.md", encoding: .utf8)
    let example = try String(contentsOfFile: Self.root + "/examples/library/main.swift", encoding: .utf8)
    let code = example.split(separator: "\n").filter { !$0.hasPrefix("//") }.joined(separator: "\n")
    let shown =
      readme.components(separatedBy: "```swift\n").dropFirst().first?
      .components(separatedBy: "```").first ?? ""
    #expect(shown.split(separator: "\n").joined(separator: "\n") == code)
  }
}
