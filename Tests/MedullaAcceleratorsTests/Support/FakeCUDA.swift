import Foundation
import Synchronization
import Testing

/// The fake CUDA driver of `FakeCUDA/fake_cuda.cpp`, built by the toolchain's own compiler.
enum FakeCUDA {
  static let reason = "no clang on the path, to build a fake CUDA driver with"

  private static let folder: URL = {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "medulla-fake-cuda-\(ProcessInfo.processInfo.processIdentifier)")
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    removeAtEnd(folder.path)
    return folder
  }()

  static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let clang: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/clang" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  static var isHere: Bool { clang != nil }

  private static let built = Mutex<[[String]: URL]>([:])

  /// A library of its own for each call: what one test does to its device is not another's.
  static func library(_ definitions: [String] = []) throws -> String {
    let original = try built.withLock { built in
      if let known = built[definitions] { return known }
      let made = try build(definitions)
      built[definitions] = made
      return made
    }
    let copy = folder.appendingPathComponent("libcuda-\(UUID().uuidString).so")
    try FileManager.default.copyItem(at: original, to: copy)
    return copy.path
  }

  private static func build(_ definitions: [String]) throws -> URL {
    let library = folder.appendingPathComponent("original-\(UUID().uuidString).so")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(clang))
    process.arguments =
      ["-x", "c++", "-std=c++17", "-O1", "-shared", "-fPIC", "-fno-exceptions", "-fno-rtti", "-w"]
      + ["-ffp-contract=off", "-nostdlib++", "-pthread"]
      + definitions.map { "-D\($0)" }
      + [
        "-I", root.appendingPathComponent("Sources/NF/MedullaAccelerators/kernels").path,
        root.appendingPathComponent("Tests/MedullaAcceleratorsTests/FakeCUDA/fake_cuda.cpp").path,
        "-o", library.path,
      ]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "the fake driver does not build")
    return library
  }
}

nonisolated(unsafe) private var removed: String?

/// Has a folder removed when the process ends.
private func removeAtEnd(_ path: String) {
  removed = path
  atexit {
    if let removed { try? FileManager.default.removeItem(atPath: removed) }
  }
}
