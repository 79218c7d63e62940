import Foundation
import MedullaBase
import MedullaEngines
import Testing

@Suite("Libraries of engines")
struct EngineSearchTests {
  @Test("one that is not there is an obstacle that says what to do")
  func missing() throws {
    let abacus = EngineLibrary(
      title: "Abacus", variable: "MEDULLA_ABACUS", names: ["libmedulla-abacus.so.1"],
      prefix: "libmedulla-abacus.so", package: "abacus", remedy: "build one")
    let search = EngineSearch(environment: [:], folders: ["/nowhere"])
    let error = #expect(throws: EngineError.self) { try search.open(abacus) }
    #expect(error?.code == .unavailable && error?.message == "Abacus is not on this machine")
    #expect(error?.remedy == "build one" && error?.log.contains("libmedulla-abacus.so.1") == true)
  }

  @Test("what the environment names is taken or an error, not left for another")
  func named() throws {
    let folder = try TemporaryFolder()
    let file = folder.file("libonnxruntime.so.9")
    try Data("no library".utf8).write(to: URL(fileURLWithPath: file))
    for named in [file, folder.path, "/nowhere/libonnxruntime.so"] {
      let search = EngineSearch(environment: ["MEDULLA_ONNXRUNTIME": named], folders: [EngineHost.root.path])
      let error = try #require(ONNXRuntimeEngine(search: search).obstacle)
      #expect(error.code == .unavailable && error.message.contains(named), "\(error)")
      #expect(!error.cause.isEmpty && !error.remedy.isEmpty, "\(error)")
    }
    let other = EngineSearch(environment: ["MEDULLA_ONNXRUNTIME": "libc.so.6"], folders: [])
    let engine = ONNXRuntimeEngine(search: other)
    let error = try #require(engine.obstacle)
    #expect(error.message == "libc.so.6 is not ONNX Runtime" && error.remedy.contains("make setup"))
    #expect(engine.path == nil && engine.summary == "ONNX Runtime on the processor")
    #expect(throws: error) { _ = try engine.load(.bytes([]), options: EngineOptions()) }
    #expect(ONNXRuntimeCUDAEngine(search: other).obstacle == error)
  }

  @Test("a folder of Python's package is found from its interpreter, by path, on PATH, and in .venv")
  func packages() throws {
    let folder = try TemporaryFolder()
    let package = folder.file(".venv/lib/python3.11/site-packages/onnxruntime/capi")
    try FileManager.default.createDirectory(atPath: package, withIntermediateDirectories: true)
    let bin = folder.file(".venv/bin")
    try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: "\(bin)/mypython", withDestinationPath: "/bin/true")
    let searches = [
      EngineSearch(environment: ["MEDULLA_PYTHON": "\(bin)/mypython"], folders: []),
      EngineSearch(environment: ["MEDULLA_PYTHON": "mypython", "PATH": "/nowhere:\(bin)"], folders: []),
      EngineSearch(environment: [:], folders: ["/nowhere", folder.path]),
    ]
    for search in searches { #expect(search.package("onnxruntime/capi") == [package]) }
    let elsewhere = EngineSearch(environment: ["MEDULLA_PYTHON": "/usr/bin/false"], folders: [folder.path])
    #expect(!elsewhere.package("onnxruntime/capi").contains(package))
  }

  @Test(
    "a library without CUDA is an obstacle of the engine that needs it, with what it has",
    .enabled(if: EngineHost.hasRuntime, EngineHost.noRuntime))
  func cuda() throws {
    let engine = ONNXRuntimeCUDAEngine(ordinal: 1, search: EngineHost.search)
    #expect(engine.device == .cuda(ordinal: 1))
    guard let error = engine.obstacle else { return }
    #expect(error.code == .unavailable && !error.remedy.isEmpty)
    #expect(error.message.contains("CUDA"), "\(error)")
    if error.message.contains("without CUDA") { #expect(error.cause.contains("CPUExecutionProvider")) }
    #expect(throws: error) { _ = try engine.load(.bytes([]), options: EngineOptions()) }
  }
}
