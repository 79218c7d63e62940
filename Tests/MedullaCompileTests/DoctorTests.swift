import MedullaKernel
import Testing

@testable import MedullaCompile

/// A machine of a table.
struct PretendedHost: DoctorHost {
  var kernelRelease = "6.12.1-amd64"
  var missingCapabilities: [String] = []
  var isBPFFileSystemMounted = true
  var libraryVersion = (1, 4)
  var missingFiles: Set<String> = []
  var jit: String? = "1"
  var missingTools: Set<String> = []
  var structOps: Result<String, KernelError> = .success("loaded")
  var clang: Result<ClangInstallation, KernelError> = .success(
    ClangInstallation(path: "/usr/bin/clang", majorVersion: 19))

  func exists(_ path: String) -> Bool { !missingFiles.contains(path) }
  func contents(_ path: String) -> String? { jit }
  func findTool(_ name: String) -> String? { missingTools.contains(name) ? nil : "/usr/bin/\(name)" }
  func findClang() -> Result<ClangInstallation, KernelError> { clang }
  var instructions = InstructionSet.v4
  func instructions(of clang: ClangInstallation) -> InstructionSet { instructions }
  func tryStructOps() -> Result<String, KernelError> { structOps }
}

@Suite("doctor")
struct DoctorTests {
  static func failed(_ host: PretendedHost) -> [String] {
    Doctor(host: host).examine().checks.filter { !$0.ok }.map(\.name)
  }

  @Test("a machine that has everything is well, and no check has a remedy")
  func healthy() {
    let report = Doctor(host: PretendedHost()).examine()
    #expect(report.ok)
    #expect(report.checks.allSatisfy { $0.ok && $0.remedy.isEmpty })
  }

  @Test("an old kernel, an unknown one, missing privileges, types, JIT and library each fail their own check")
  func required() {
    #expect(Self.failed(PretendedHost(kernelRelease: "5.10.0-8")) == ["kernel"])
    #expect(Self.failed(PretendedHost(kernelRelease: "unknown")) == ["kernel"])
    #expect(Self.failed(PretendedHost(missingCapabilities: ["CAP_BPF"])) == ["privileges"])
    #expect(Self.failed(PretendedHost(missingFiles: ["/sys/kernel/btf/vmlinux"])) == ["btf"])
    #expect(Self.failed(PretendedHost(jit: "0")) == ["jit"])
    #expect(Self.failed(PretendedHost(libraryVersion: (1, 1))) == ["libbpf"])
  }

  @Test("an old kernel is said with its floor, and what is tried decides")
  func oldKernel() {
    let report = Doctor(host: PretendedHost(kernelRelease: "6.1.0-49-amd64")).examine()
    #expect(report.ok)
    let kernel = report.checks.first { $0.name == "kernel" }
    #expect(kernel?.detail == "6.1.0-49-amd64; floor 6.6")
    #expect(kernel?.remedy.contains("medulla compile --kernel 6.1") == true)
    #expect(Self.failed(PretendedHost(kernelRelease: "6.6.0")) == [])
  }

  @Test("a compiler without the newest instructions is said where the kernel has them")
  func oldCompiler() {
    #expect(Self.failed(PretendedHost(instructions: .v3)) == ["clang"])
    #expect(Self.failed(PretendedHost(kernelRelease: "6.1.0", instructions: .v3)) == ["kernel"])
  }

  @Test("what fails says what it costs")
  func costs() {
    let host = PretendedHost(
      kernelRelease: "5.4.0", missingCapabilities: ["CAP_BPF"], isBPFFileSystemMounted: false,
      libraryVersion: (1, 0), missingFiles: ["/sys/kernel/btf/vmlinux", "/dev/net/tun"], jit: "0",
      missingTools: ["iperf3", "ip"],
      structOps: .failure(KernelError(.missingFeature, "load probe", cause: "not supported")),
      clang: .failure(KernelError(.toolchain, "no clang", remedy: "install clang-16")))
    let report = Doctor(host: host).examine()
    #expect(!report.ok)
    #expect(report.checks.allSatisfy { !$0.ok && !$0.remedy.isEmpty && !$0.detail.isEmpty })
  }

  @Test("missing tools of experiments do not make the machine unfit")
  func optional() {
    let report = Doctor(host: PretendedHost(missingTools: ["iperf3", "ip"])).examine()
    #expect(report.ok)
    #expect(report.checks.filter { !$0.ok }.map(\.name) == ["iperf3", "ip"])
  }

  @Test("an unmounted BPF file system is no fault when it can be mounted")
  func mountable() {
    #expect(Self.failed(PretendedHost(isBPFFileSystemMounted: false)) == [])
    #expect(
      Self.failed(PretendedHost(missingCapabilities: ["CAP_SYS_ADMIN"], isBPFFileSystemMounted: false))
        == ["privileges", "bpffs"])
  }
}
