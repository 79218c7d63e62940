import Foundation
import Testing

/// The page's own files and lines, as a user would type them: nothing of them is changed.
@Suite("The walk of docs/use/network-functions.md", .serialized)
struct NetworkFunctionWalkTests {
  private static let python = MedullaCommandLine.root.path + "/.venv/bin/python"

  /// What a section of the page has.
  private struct Walk {
    /// Files by name, their texts.
    var files: [String: String] = [:]
    /// Shell lines, and below each what the page says that it prints.
    var lines: [(command: String, answer: String?)] = []
    /// Lines that stand in its sentences.
    var named: [String] = []
  }

  private static func walk() throws -> Walk {
    let page = try DocumentedCommandsTests.text("docs/use/network-functions.md")
    let title = "## Your ONNX model on your packets\n"
    let section = try #require(page.components(separatedBy: title).dropFirst().first)
      .components(separatedBy: "\n## ")[0]
    var walk = Walk()
    var block: [String] = []
    func finish() {
      let text = block.joined(separator: "\n") + "\n"
      if text.hasPrefix("daemon:") {
        walk.files["daemon.yaml"] = text
      } else if text.hasPrefix("name:") {
        walk.files["chain.yaml"] = text
      } else {
        for line in block {
          if line.hasPrefix("medulla ") {
            walk.lines.append((line, nil))
          } else if let last = walk.lines.indices.last, !line.isEmpty {
            walk.lines[last].answer = line
          }
        }
      }
      block = []
    }
    for line in section.components(separatedBy: "\n") {
      if line.hasPrefix("    ") {
        block.append(String(line.dropFirst(4)))
      } else if !block.isEmpty, !line.isEmpty {
        finish()
      }
      if !line.hasPrefix(" ") {
        let spans = line.components(separatedBy: "`")
        walk.named += spans.indices.filter { $0 % 2 == 1 }.map { spans[$0] }
          .filter { $0.hasPrefix("medulla nf ") }
      }
    }
    if !block.isEmpty { finish() }
    return walk
  }

  /// The names of a JSON object's keys, also of a text that leaves values out.
  private static func keys(_ text: String) -> Set<String> {
    let parts = text.components(separatedBy: "\"")
    return Set(zip(parts, parts.dropFirst()).filter { $1.hasPrefix(":") }.map(\.0))
  }

  /// The page's model takes float32 1×3×224×224, and so does this one.
  private static let model = """
    import sys
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper, save
    folder = sys.argv[1]
    random = np.random.default_rng(7)
    weights = numpy_helper.from_array(random.normal(size=(3, 50)).astype(np.float32), "w")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["x"], ["p"]), helper.make_node("Flatten", ["p"], ["f"]),
         helper.make_node("MatMul", ["f", "w"], ["y"])],
        "pooled", [value("x", TensorProto.FLOAT, [1, 3, 224, 224])],
        [value("y", TensorProto.FLOAT, [1, 50])], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    save(model, folder + "/model.onnx")
    image = random.random((1, 3, 224, 224), np.float32)
    np.save(folder + "/image.npy", image)
    session = onnxruntime.InferenceSession(folder + "/model.onnx")
    print(int(session.run(None, {"x": image})[0].argmax()))
    """

  /// Runs the lines in one shell, in a network with the page's names and addresses, and with directories of
  /// its own where a daemon keeps what is its own.
  private static func script(_ walk: Walk, folder: String) -> String {
    let programs = MedullaCommandLine.executable.deletingLastPathComponent().path
    let wait = "for i in $(seq 200); do if %@; then break; fi; sleep 0.1; done\n"
    var text = """
      cd '\(folder)'
      export PATH='\(programs)':"$PATH"
      mount -t tmpfs none /run && mount -t tmpfs none /var/lib || exit 90
      trap 'kill "$daemon" 2>/dev/null; wait' EXIT

      """
    for (command, _) in walk.lines {
      if command.hasPrefix("medulla nf send") {
        // What a user's typing takes.
        text += String(format: wait, "medulla nf list | grep -q ' present '")
      }
      let isBehind = command.hasSuffix("&")
      text += "echo '==> \(command)'\n"
      text += isBehind ? "\(command.dropLast()) 2>log &\ndaemon=$!\n" : "\(command) || exit 91\n"
      if isBehind { text += String(format: wait, "test -S /run/medulla/control.sock") }
    }
    // A function tells its counts now and then.
    text += String(format: wait, "medulla nf stats | grep -q objects_answered=1")
    for command in walk.named { text += "echo '==> \(command)'\n\(command) || exit 92\n" }
    return text
  }

  @Test("the page shows both files, a daemon, a chain and an object with its answer")
  func page() throws {
    let walk = try Self.walk()
    #expect(walk.files.keys.sorted() == ["chain.yaml", "daemon.yaml"])
    #expect(
      walk.lines.map { $0.command.split(separator: " ").prefix(3).joined(separator: " ") } == [
        "medulla run daemon.yaml", "medulla nf start", "medulla nf list", "medulla nf send",
      ])
    #expect(walk.lines.first?.command.hasSuffix("&") == true)
    #expect(walk.lines.last.map { Self.keys($0.answer ?? "") }?.contains("top") == true)
    #expect(walk.named.contains("medulla nf stats") && walk.named.contains("medulla nf stop images"))
  }

  @Test(
    "its lines do what it says: the model's answer comes back over the wire (kernel)",
    .enabled(
      if: TestHost.runsKernelTests && FileManager.default.fileExists(atPath: python),
      "needs root and .venv (make setup)"))
  func lines() throws {
    let walk = try Self.walk()
    let namespace = try TestNamespace(loopback: true)
    let folder = try TestFolder()
    chmod(folder.path, 0o755)
    func succeed(_ outcome: MedullaCommandLine.Outcome, _ what: String) throws -> String {
      let log = (try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? ""
      try #require(outcome.status == 0, "\(what)\n\(outcome.output)\(outcome.errors)\(log)")
      return outcome.output
    }
    let address =
      "$(ip -j link show eth0 | python3 -c 'import json,sys; print(json.load(sys.stdin)[0][\"address\"])')"
    for line in [
      "ip link add far type veth peer name eth0", "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1",
      "ip addr add 10.0.0.1/24 dev far", "ip link set far up", "ip link set eth0 up",
      "ip neigh replace 10.0.0.2 lladdr \(address) dev far",
    ] { _ = try succeed(try namespace.shell(line), line) }
    for (name, text) in walk.files {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder.path)/\(name)"))
      chmod("\(folder.path)/\(name)", 0o644)
    }
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/.venv", withDestinationPath: MedullaCommandLine.root.path + "/.venv")
    try Data(Self.model.utf8).write(to: URL(fileURLWithPath: folder.path + "/model.py"))
    let made = try MedullaCommandLine.tool([Self.python, folder.path + "/model.py", folder.path])
    let expected = try #require(
      Int(try succeed(made, "the model").trimmingCharacters(in: .whitespacesAndNewlines)))
    chmod(folder.path + "/model.onnx", 0o644)

    let outcome = try MedullaCommandLine.tool([
      "nsenter", "--net=/run/netns/\(namespace.name)", "unshare", "-m", "bash", "-c",
      Self.script(walk, folder: folder.path),
    ])
    let output = try succeed(outcome, "the walk")
    let sent = try #require(walk.lines.last)
    let answer = try #require(
      output.components(separatedBy: "==> \(sent.command)\n").last?.split(separator: "\n").first)
    #expect(Self.keys(String(answer)) == Self.keys(sent.answer ?? ""), "\(output)")
    struct Answer: Decodable {
      struct Output: Decodable { let index: Int }
      let top: [Output]
    }
    let said = try JSONDecoder().decode(Answer.self, from: Data(answer.utf8))
    #expect(said.top.first?.index == expected && said.top.count == 5, "\(output)")
    let list = try #require(output.components(separatedBy: "==> medulla nf list\n").last)
    #expect(list.hasPrefix("CHAIN") && list.contains("images"), "\(output)")
    #expect(output.contains("objects_answered=1"), "\(output)")
    #expect(
      output.contains("has ended") || outcome.errors.contains("has ended"), "\(output)\(outcome.errors)")
  }
}
