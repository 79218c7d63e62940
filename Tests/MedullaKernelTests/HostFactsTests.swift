import Foundation
import Testing

@testable import MedullaKernel

@Suite("kernel versions")
struct KernelVersionTests {
  @Test(
    "a release gives its first two numbers",
    arguments: [
      ("6.18.44-cloud-amd64", 6, 18), ("5.10.0", 5, 10), ("6.1-rc3", 6, 1), ("10.0", 10, 0),
    ])
  func release(text: String, major: Int, minor: Int) {
    #expect(KernelVersion(text) == KernelVersion(major: major, minor: minor))
  }

  @Test("text without two numbers is no version", arguments: ["", "6", "unknown", "a.b.c", "6.x"])
  func noRelease(text: String) { #expect(KernelVersion(text) == nil) }

  @Test("6.9 comes before 6.10")
  func order() {
    #expect(KernelVersion(major: 6, minor: 9) < KernelVersion(major: 6, minor: 10))
    #expect(KernelVersion(major: 5, minor: 19) < KernelVersion(major: 6, minor: 0))
  }
}

@Suite("instruction sets")
struct InstructionSetTests {
  @Test("v4 is for Linux 6.6 and later, v3 before")
  func kernels() {
    #expect(InstructionSet.best(for: KernelVersion(major: 6, minor: 5)) == .v3)
    #expect(InstructionSet.best(for: KernelVersion(major: 6, minor: 6)) == .v4)
    #expect(InstructionSet.best(for: nil) == .v4)
  }

  @Test("a compiler that does not know v4 makes v3 for every kernel")
  func oldCompiler() throws {
    let folder = NSTemporaryDirectory() + "medulla-clang-\(UUID())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/clang"
    let script = "#!/bin/sh\ncase \"$*\" in *mcpu=v4*) echo 'unknown target CPU' >&2; exit 1 ;; esac\n"
    try Data(script.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    let old = ClangInstallation(path: path, majorVersion: 17)
    #expect(BPFCompiler(clang: old, for: KernelVersion(major: 6, minor: 12)).instructions == .v3)
    let ours = try ClangInstallation.find()
    #expect(BPFCompiler(clang: ours, for: KernelVersion(major: 6, minor: 1)).instructions == .v3)
  }
}

@Suite("capabilities")
struct CapabilitiesTests {
  @Test("the effective set is read from a process's status")
  func effective() throws {
    let status = "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000008000001000\n"
    let capabilities = try #require(Capabilities(status: status))
    #expect(capabilities.missing(Capabilities.neededForDatapath) == ["CAP_SYS_ADMIN", "CAP_PERFMON"])
  }

  @Test("a status without capabilities gives none", arguments: ["", "Name:\tx\n", "CapEff:\tzz\n"])
  func none(status: String) { #expect(Capabilities(status: status) == nil) }
}

@Suite("clang")
struct ClangInstallationTests {
  @Test(
    "the major version is read from what clang prints",
    arguments: [
      ("clang version 21.0.0 (https://github.com/swiftlang/llvm-project.git 11673e6)\nTarget: x", 21),
      ("Debian clang version 14.0.6", 14), ("Ubuntu clang version 18.1.3 (1ubuntu1)", 18),
    ])
  func version(text: String, major: Int) { #expect(ClangInstallation.majorVersion(of: text) == major) }

  @Test("another program's output is no clang version", arguments: ["", "gcc 12", "clang version x"])
  func noVersion(text: String) { #expect(ClangInstallation.majorVersion(of: text) == nil) }

  @Test("a search path without clang is an error that says what to install")
  func missing() {
    let error = #expect(throws: KernelError.self) { try ClangInstallation.find(searchPath: "/nonexistent") }
    #expect(error?.code == .toolchain)
    #expect(error?.remedy.contains("clang-16") == true)
  }

  @Test("what does not compile is an error with the compiler's first complaint")
  func complaint() {
    let messages =
      "In file included from a.c:1:\na.c:3:5: error: use of undeclared identifier 'x'\n1 error generated.\n"
    let error = BPFCompiler.compilationError(source: "a.c", messages: messages)
    #expect(error.code == .compilation)
    #expect(error.cause == "a.c:3:5: error: use of undeclared identifier 'x'")
  }

  @Test("a missing header is an error of the toolchain with a remedy")
  func header() {
    let messages = "a.c:1:10: fatal error: 'bpf/bpf_helpers.h' file not found\n"
    let error = BPFCompiler.compilationError(source: "a.c", messages: messages)
    #expect(error.code == .toolchain)
    #expect(error.remedy.contains("libbpf-dev"))
  }
}
