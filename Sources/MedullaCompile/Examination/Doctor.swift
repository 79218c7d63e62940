import MedullaKernel

/// What this machine has of what Medulla uses, and what each missing thing costs.
package struct Doctor {
  package struct Check: Codable, Sendable, Equatable {
    package let name: String
    package let ok: Bool
    /// What was found.
    package let detail: String
    /// What to do, and what is lost until then; empty when all is well.
    package let remedy: String
    /// False for what only some commands need.
    package let required: Bool
  }

  package struct Report: Codable, Sendable, Equatable {
    /// Every required check is good.
    package let ok: Bool
    package let checks: [Check]
  }

  private let host: any DoctorHost

  package init() { host = RunningHost() }

  init(host: any DoctorHost) { self.host = host }

  package func examine() -> Report {
    let checks = [
      kernel(), privileges(), btf(), fileSystem(), jit(), structOps(), library(), compiler(),
      tool("iperf3", package: "iperf3", cost: "experiments and the demo cannot make traffic"),
      tool("ip", package: "iproute2", cost: "no network namespaces: no link emulation, experiments or demo"),
      tun(),
    ]
    return Report(ok: checks.allSatisfy { $0.ok || !$0.required }, checks: checks)
  }

  private func check(
    _ name: String, _ ok: Bool, _ detail: String, remedy: String, required: Bool = true
  ) -> Check {
    Check(name: name, ok: ok, detail: detail, remedy: ok ? "" : remedy, required: required)
  }

  private func kernel() -> Check {
    let release = host.kernelRelease
    let version = KernelVersion(release)
    let oldest = KernelVersion.oldest
    let forEverything = KernelVersion.oldestForEverything
    // A vendor may have brought what is newer to an older kernel: what is tried below decides.
    return check(
      "kernel", version.map { $0 >= forEverything } ?? false, "\(release); floor \(forEverything)",
      remedy:
        "Linux \(forEverything) or newer is needed for congestion control and packet functions; from "
        + "\(oldest) on networks run by test run, of bundles made with `medulla compile --kernel "
        + "\(oldest)`; before it only the simulator and the reference interpreter run",
      required: false)
  }

  private func privileges() -> Check {
    let missing = host.missingCapabilities
    return check(
      "privileges", missing.isEmpty,
      missing.isEmpty ? "all that loading and attaching need" : "missing: \(missing.joined(separator: ", "))",
      remedy: "run as root; without privileges nothing is loaded into the kernel, and networks run in the "
        + "simulator and the reference interpreter")
  }

  private func btf() -> Check {
    check(
      "btf", host.exists("/sys/kernel/btf/vmlinux"), "/sys/kernel/btf/vmlinux",
      remedy: "use a kernel with CONFIG_DEBUG_INFO_BTF=y; without it no program can find the kernel's types")
  }

  private func fileSystem() -> Check {
    let mounted = host.isBPFFileSystemMounted
    let can = mounted || host.missingCapabilities.isEmpty
    return check(
      "bpffs", can, mounted ? BPFFileSystem.mountPoint : "not mounted; attach mounts it",
      remedy: "mount -t bpf bpf \(BPFFileSystem.mountPoint); without it an attachment ends with its command")
  }

  private func jit() -> Check {
    let setting = host.contents("/proc/sys/net/core/bpf_jit_enable")
    // Kernels that are built with the JIT always on may hide the setting.
    let on = setting.map { $0 != "0" } ?? true
    return check(
      "jit", on, setting.map { "net.core.bpf_jit_enable = \($0)" } ?? "no setting; always on",
      remedy:
        "sysctl net.core.bpf_jit_enable=1; without it struct_ops is refused and inference is ten times slower"
    )
  }

  private func structOps() -> Check {
    let remedy =
      "use Linux \(KernelVersion.oldestForEverything) or newer, built with CONFIG_BPF_JIT and "
      + "CONFIG_DEBUG_INFO_BTF; without it no network can be a congestion control"
    switch host.tryStructOps() {
    case .success(let detail): return check("struct_ops", true, detail, remedy: remedy)
    case .failure(let error):
      return check("struct_ops", false, error.cause.isEmpty ? error.message : error.cause, remedy: remedy)
    }
  }

  private func library() -> Check {
    let version = host.libraryVersion
    return check(
      "libbpf", version >= (1, 3), "\(version.0).\(version.1); floor 1.3",
      remedy: "install libbpf 1.3 or newer (`make setup`); older ones cannot replace a struct_ops link")
  }

  private func compiler() -> Check {
    switch host.findClang() {
    case .success(let clang):
      let knowsAll =
        host.instructions(of: clang) >= InstructionSet.best(for: KernelVersion(host.kernelRelease))
      return check(
        "clang", knowsAll,
        "\(clang.path), version \(clang.majorVersion); floor \(ClangInstallation.oldestVersion)",
        remedy:
          "LLVM 18 or newer has the instructions of Linux \(InstructionSet.v4.oldestKernel); without it "
          + "bundles are made for Linux \(InstructionSet.v3.oldestKernel) and newer, some a sixth slower",
        required: false)
    case .failure(let error):
      return check(
        "clang", false, error.cause.isEmpty ? error.message : error.cause,
        remedy: "\(error.remedy); without it models cannot be compiled, bundles that exist still load",
        required: false)
    }
  }

  private func tool(_ name: String, package: String, cost: String) -> Check {
    let path = host.findTool(name)
    return check(
      name, path != nil, path ?? "not on PATH", remedy: "apt-get install \(package); \(cost)", required: false
    )
  }

  private func tun() -> Check {
    check(
      "tun", host.exists("/dev/net/tun"), "/dev/net/tun",
      remedy: "modprobe tun; without it no link is emulated",
      required: false)
  }
}
