import Foundation
import Testing

/// What can be told of decisions that were made: why a flow was decided so, and which another network would
/// have made otherwise.
@Suite("decisions told of later", .serialized)
struct DecisionCommandTests {
  private static let example = MedullaCommandLine.root.appendingPathComponent("examples/classifier").path

  private struct Changes: Decodable {
    struct Transition: Decodable {
      let from: String
      let to: String
      let count: Int
    }

    let decisions: Int
    let changed: Int
    let outputs_changed: Int
    let transitions: [Transition]
  }

  private struct Decision: Decodable {
    struct Input: Decodable {
      let name: String
      let value: Double
    }

    struct Layer: Decodable {
      let sums: [Int64]?
      let outputs: [Int64]
    }

    let who: String
    let version: UInt64
    let inputs: [Input]
    let layers: [Layer]
    let answer: String
    let reproduced: Bool
  }

  /// The example's network, or one of its sizes that has learned nothing.
  private func compiled(in folder: TestFolder, learned: Bool = true) throws -> String {
    let name = learned ? "classifier" : "untrained"
    if !learned {
      let made = try MedullaCommandLine.tool([
        "python3", "examples/untrained.py", folder.path + "/untrained", "12-16-8-4", "--most",
        [String](repeating: "20", count: 12).joined(separator: ","),
      ])
      try #require(made.status == 0, "\(made.errors)")
    }
    let outcome = try MedullaCommandLine.run([
      "compile", (learned ? Self.example : folder.path) + "/\(name).safetensors", "--calibration",
      Self.example + "/calibration.npy", "--features", Self.example + "/features.txt", "--labels",
      Self.example + "/labels.txt", "-o", folder.path + "/\(name).medulla",
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return folder.path + "/\(name).medulla"
  }

  private func replay(_ arguments: [String]) throws -> Changes {
    let outcome = try MedullaCommandLine.run(["replay"] + arguments + ["--json"])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try JSONDecoder().decode(Changes.self, from: Data(outcome.output.utf8))
  }

  @Test("of a capture, a network changes nothing against itself, and an untrained one most decisions")
  func capture() throws {
    let folder = try TestFolder()
    let (learned, other) = (try compiled(in: folder), try compiled(in: folder, learned: false))
    let capture = [Self.example + "/traffic.pcap", "--packets", "12", "--against", learned, "--model"]
    let same = try replay(capture + [learned])
    #expect(same.decisions > 200 && same.changed == 0 && same.outputs_changed == 0)
    let changed = try replay(capture + [other])
    #expect(changed.decisions == same.decisions && changed.changed > 100)
    #expect(changed.transitions.reduce(0) { $0 + $1.count } == changed.changed)
    // With a margin that none has, all are unsure by both.
    #expect(try replay(capture + [other, "--margin", "100000"]).changed == 0)
    let shown = try MedullaCommandLine.run(["replay"] + capture + [other])
    #expect(
      shown.status == 0 && shown.output.contains("from") && shown.errors.contains("would have been others"))
  }

  @Test("what a replay cannot be made of is refused with what it takes")
  func refused() throws {
    let folder = try TestFolder()
    func refuses(_ arguments: [String], _ words: String...) throws {
      let outcome = try MedullaCommandLine.run(arguments)
      #expect(outcome.status != 0 && outcome.output.isEmpty)
      for word in words { #expect(outcome.errors.contains(word), "\(arguments): \(outcome.errors)") }
    }
    let learned = try compiled(in: folder)
    try refuses(["replay", "/nonexistent", "--model", learned], "nonexistent", "capture")
    try refuses(["replay", Self.example + "/traffic.pcap", "--model", learned], "--against")
    try refuses(["replay", folder.path, "--model", learned], "there is no history", "--state")
    try refuses(["replay", folder.path, "--model", learned, "--packets", "3"], "--packets")
    try refuses(["why", "--flow", "", "traffic"], "--flow is empty")
    try refuses(["why", "--flow", "1", "traffic", "--state", folder.path], "there is no history")
  }

  @Test(
    "a live flow's decision is told with its features and sums, and made again by another network (kernel)",
    .enabled(if: TestHost.runsKernelTests))
  func live() throws {
    let folder = try TestFolder()
    let namespace = try TestNamespace(loopback: true)
    let (learned, other) = (try compiled(in: folder), try compiled(in: folder, learned: false))
    let name = "dc-\(getpid())"
    let state = folder.path + "/state"
    let (configuration, socket) = (folder.path + "/c.yaml", folder.path + "/c.sock")
    try """
    daemon:
      state: \(state)
      socket: \(socket)
      on_stop: detach
    function:
      - name: \(name)
        kind: classifier
        hook: tc:lo:ingress
        packets: "3"
        bundle: \(learned)
    """.write(toFile: configuration, atomically: true, encoding: .utf8)
    let started = try namespace.shell("bin/medulla run \(configuration) > \(folder.path)/log 2>&1 &")
    try #require(started.status == 0)
    defer { _ = try? MedullaCommandLine.run(["stop", "--socket", socket]) }
    let traffic = """
      import socket
      s = socket.create_server(('127.0.0.1', 4711))
      for _ in range(5):
          c = socket.create_connection(('127.0.0.1', 4711)); a, _ = s.accept()
          for _ in range(8): c.sendall(b'x' * 100); a.sendall(b'y' * 900); c.recv(900)
          c.close(); a.close()
      """
    try traffic.write(toFile: folder.path + "/traffic.py", atomically: true, encoding: .utf8)
    let why = ["why", name, "--state", state, "--flow", "127.0.0.1:4711", "--json"]
    var told: MedullaCommandLine.Outcome?
    for _ in 0..<60 {
      if try MedullaCommandLine.run(["status", name]).status == 0 {
        _ = try namespace.shell("python3 \(folder.path)/traffic.py")
        let outcome = try MedullaCommandLine.run(why)
        told = outcome
        if outcome.status == 0 { break }
      }
      Thread.sleep(forTimeInterval: 0.5)
    }
    let log = (try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? ""
    let answer = try #require(told, "\(log)")
    try #require(answer.status == 0, "\(answer.errors)\n\(log)")
    let decision = try JSONDecoder().decode(Decision.self, from: Data(answer.output.utf8))
    #expect(decision.reproduced && decision.version == 1 && decision.who.contains("127.0.0.1:4711 (6)"))
    #expect(decision.inputs.count == 12 && decision.layers.count { $0.sums != nil } == 3)
    #expect(["web", "bulk", "chat", "voice"].contains(decision.answer))
    // By a network that did not decide, the recorded outputs do not come out.
    let wrong = try MedullaCommandLine.run(why + ["--model", other])
    #expect(wrong.status == 0 && wrong.output.contains("\"reproduced\" : false"), "\(wrong.output)")
    let text = try MedullaCommandLine.run(Array(why.dropLast()))
    #expect(text.output.contains("sums") && text.output.contains("the same integers as in the datapath"))
    let same = try replay([state, "--function", name, "--model", learned])
    #expect(same.decisions >= 5 && same.outputs_changed == 0)
    let changed = try replay([state, "--model", other])
    #expect(changed.decisions >= same.decisions && changed.outputs_changed == changed.decisions)
  }
}
