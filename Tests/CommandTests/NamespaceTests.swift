import Foundation
import Testing

/// Commands inside network namespaces, as `ip netns` makes them.
@Suite("In a network namespace (root)", .serialized, .enabled(if: TestHost.runsKernelTests))
struct NamespaceTests {
  @Test("a network is compiled where the loopback is down")
  func compile() throws {
    let folder = try TestFolder()
    let namespace = try TestNamespace(loopback: false)
    let example = MedullaCommandLine.root.path + "/examples/custom-function"
    let outcome = try namespace.medulla(
      [
        "compile", example + "/classify.safetensors", "--calibration",
        example + "/classify-calibration.npy", "--program", example + "/classify.bpf.c", "-o",
        folder.path + "/c.medulla",
      ], timeout: 60)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("program   classify"))
  }

  @Test("where /dev/null is a file that has been written to, programs are made of the same instructions")
  func writtenNull() throws {
    let folder = try TestFolder()
    let null = folder.path + "/null"
    try "what somebody printed\n".write(toFile: null, atomically: true, encoding: .utf8)
    let outcome = try MedullaCommandLine.tool([
      "unshare", "-m", "sh", "-c", "mount --bind \"$0\" /dev/null && exec \"$@\"", null,
      MedullaCommandLine.executable.path, "compile", "models/aurora-medulla.onnx", "--calibration",
      "models/aurora-medulla-calibration.npy", "--kernel", "6.12", "-o", folder.path + "/a.medulla",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("kernel    Linux 6.6 or newer"), "\(outcome.output)")
  }

  @Test("where pins would end with the command it is refused with the command that works, and that one does")
  func pins() throws {
    let folder = try TestFolder()
    let namespace = try TestNamespace(loopback: true)
    let bundle = folder.path + "/a.medulla"
    let compiled = try MedullaCommandLine.run([
      "compile", "models/aurora-medulla.onnx", "--calibration", "models/aurora-medulla-calibration.npy", "-o",
      bundle,
    ])
    try #require(compiled.status == 0, "\(compiled.errors)")
    let name = "nn\(getpid())"
    func refused(_ arguments: String...) throws {
      let outcome = try MedullaCommandLine.tool(
        ["ip", "netns", "exec", namespace.name, MedullaCommandLine.executable.path] + arguments)
      #expect(outcome.status == 1, "\(arguments): \(outcome.output)")
      #expect(
        outcome.errors.contains("`nsenter --net=/run/netns/\(namespace.name) medulla …`"),
        "\(arguments): \(outcome.errors)")
    }
    try refused("attach", "congestion", "--name", name, bundle)
    let attached = try namespace.medulla(["attach", "congestion", "--name", name, bundle])
    #expect(attached.status == 0, "\(attached.errors)")
    defer { _ = try? MedullaCommandLine.run(["detach", name]) }
    #expect(try MedullaCommandLine.run(["status", name]).status == 0, "the host sees it")
    try refused("status", name)
    try refused("status")
    try refused("update", name, bundle)
    try refused("rollback", name)
    try refused("detach", name)
    let detached = try namespace.medulla(["detach", name])
    #expect(detached.status == 0, "\(detached.errors)")
  }

  @Test("a mount namespace that shares the host's BPF file system is as good as the host's")
  func shared() throws {
    let outcome = try MedullaCommandLine.tool(["unshare", "-m", MedullaCommandLine.executable.path, "status"])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }
}
