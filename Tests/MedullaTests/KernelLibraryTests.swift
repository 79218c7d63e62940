import Foundation
import Glibc
import Medulla
import Testing

@Suite("the library over the kernel", .serialized)
struct KernelLibraryTests {
  static let canRun = geteuid() == 0 && FileManager.default.fileExists(atPath: "/sys/kernel/btf/vmlinux")
  static let isRequired = ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1"

  @Test(
    "a network is attached, found by its name, replaced, taken back and detached",
    .enabled(if: canRun || isRequired, "kernel tests need root and BTF"))
  func attaches() throws {
    let bundle = try Medulla.compile(model: LibraryTests.model, calibration: LibraryTests.calibration)
    let other = try Medulla.compile(
      model: LibraryTests.model, calibration: LibraryTests.calibration,
      options: CompileOptions(percentile: 99.9))
    let name = "medulla-l\(getpid() % 1_000_000)"
    let instance = try bundle.attach(.congestion, name: name)
    defer { try? instance.detach() }
    #expect(try Instance(named: name).status().digest == bundle.digest)
    try instance.update(other)
    #expect(try instance.status().digest == other.digest)
    try instance.rollback()
    #expect(try instance.status().digest == bundle.digest)
    #expect(try Instance.all().contains { $0.name == name })
    let learning = try instance.adapt(from: bundle, by: .simulator) { _ in }
    learning.stop()
    try instance.detach()
    let gone = #expect(throws: MedullaError.self) { try Instance(named: name) }
    #expect(gone?.code == "not_attached")
  }

  @Test(
    "a function of one's own learns too, by any program, and not where no samples are taken",
    .enabled(if: canRun || isRequired, "kernel tests need root and BTF"))
  func learnsAnyFunction() throws {
    let example = LibraryTests.root + "/examples/custom-function"
    let bundle = try Medulla.compile(
      model: example + "/classify.safetensors", calibration: example + "/classify-calibration.npy",
      programs: [example + "/classify.bpf.c"])
    let adapter = Adapter.command(
      [LibraryTests.root + "/examples/adapters/recursive-least-squares.pl"],
      isolation: Adapter.Isolation(user: "nobody"))
    let name = "medulla-p\(getpid() % 1_000_000)"
    let packet = Function.packet(hook: "tc:lo:egress")
    // The loopback of this machine is only marked, and nothing is sent here.
    let silent = try bundle.attach(packet, name: name, settings: Settings(sampling: 0))
    let refused = #expect(throws: MedullaError.self) {
      _ = try silent.adapt(from: bundle, by: adapter) { _ in }
    }
    #expect(refused?.message.contains("takes no samples") == true)
    try silent.detach()
    let instance = try bundle.attach(packet, name: name)
    defer { try? instance.detach() }
    let learning = try instance.adapt(from: bundle, by: adapter) { _ in }
    learning.stop()
    #expect(learning.rollbacks == 0)
  }
}
