import Foundation
import Testing

@testable import MedullaControl

@Suite("Configuration from TOML")
struct ConfigurationConversionTests {
  static let earlier = """
    [daemon]
    socket = "/tmp/x.sock"
    history = "7d"
    on_stop = "detach"

    [[function]]
    name = "one"
    bundle = "one.medulla"
    interval = "10ms"
    consistency = false
    [function.adapter]
    kind = "python"
    class = "mine:Mine"
    options = { rate = 0.01, word = "no", clock = "1:30", list = [1, "2"] }
    [function.gates]
    stability = { window = 3, range = 1e-9 }
    necessity = { outputs = [[-1, 1]] }

    [[function]]
    name = "two"
    kind = "custom"
    program = "two"
    hook = "tc:eth0:ingress"
    bundle = "/opt/two.medulla"
    """
  static let today = """
    daemon: { socket: /tmp/x.sock, history: 7d, on_stop: detach }
    function:
      - name: one
        bundle: one.medulla
        interval: 10ms
        consistency: false
        adapter:
          kind: python
          class: mine:Mine
          options: { rate: 0.01, word: "no", clock: "1:30", list: [1, "2"] }
        gates:
          stability: { window: 3, range: 1e-9 }
          necessity: { outputs: [[-1, 1]] }
      - name: two
        kind: custom
        program: two
        hook: "tc:eth0:ingress"
        bundle: /opt/two.medulla
    """

  private static func shell(_ command: String) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
  }

  private static var canConvert: Bool { shell("python3 -c 'import tomllib, yaml'") == 0 }

  private static func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-conversion-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  @Test(
    "the documented command makes of a file of before one that says the same",
    .enabled(if: canConvert, "needs python3 with tomllib and PyYAML"))
  func conversion() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let old = folder.appendingPathComponent("m.toml")
    try Data(Self.earlier.utf8).write(to: old)
    #expect(Self.shell("\(Configuration.conversion) <\(old.path) >\(folder.path)/m.yaml") == 0)
    let converted = try Configuration(path: folder.path + "/m.yaml")
    #expect(converted == (try Configuration(text: Self.today, directory: folder.path)))
  }

  @Test("a TOML file is refused with the command that converts it, also when it lies beside the missing one")
  func refusal() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let old = folder.path + "/m.toml"
    try Data(Self.earlier.utf8).write(to: URL(fileURLWithPath: old))
    for path in [old, folder.path + "/m.yaml"] {
      let error = #expect(throws: ControlError.self) { try Configuration(path: path) }
      #expect(error?.code == .badConfiguration)
      #expect(error?.message.contains("\(old) is TOML") == true)
      #expect(error?.remedy.contains("\(Configuration.conversion) <\(old) >\(folder.path)/m.yaml") == true)
    }
  }

  @Test("the documentation names the command that the error names, and its example reads")
  func documentation() throws {
    let path = DaemonTestHost.root + "/docs/reference/configuration.md"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains(Configuration.conversion))
    let blocks = text.components(separatedBy: "```yaml\n").dropFirst()
    #expect(blocks.count == 2)
    for block in blocks {
      let example = try #require(block.components(separatedBy: "```").first)
      #expect(try !Configuration(text: example).functions.isEmpty)
    }
  }

  @Test("the example beside the sources reads")
  func example() throws {
    let read = try Configuration(path: DaemonTestHost.root + "/examples/slow-path.yaml")
    #expect(read.functions.map(\.name) == ["medulla"])
  }
}
