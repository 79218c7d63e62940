import Foundation
import Glibc
import MedullaCongestion
import MedullaKernel

/// What the doctor asks of a machine; tests answer from a table.
protocol DoctorHost {
  var kernelRelease: String { get }
  /// Names of the capabilities that loading and attaching need and this process lacks.
  var missingCapabilities: [String] { get }
  var isBPFFileSystemMounted: Bool { get }
  var libraryVersion: (Int, Int) { get }
  func exists(_ path: String) -> Bool
  /// A small file's text, without white space at its ends; nil when it cannot be read.
  func contents(_ path: String) -> String?
  func findTool(_ name: String) -> String?
  func findClang() -> Result<ClangInstallation, KernelError>
  /// The best that a compiler knows.
  func instructions(of clang: ClangInstallation) -> InstructionSet
  /// Loads the smallest congestion control there is, and says what came of it.
  func tryStructOps() -> Result<String, KernelError>
}

/// The machine that this runs on.
struct RunningHost: DoctorHost {
  var kernelRelease: String { contents("/proc/sys/kernel/osrelease") ?? "unknown" }

  var missingCapabilities: [String] { Capabilities.current().missing(Capabilities.neededForDatapath) }

  var isBPFFileSystemMounted: Bool { BPFFileSystem.isMounted }

  var libraryVersion: (Int, Int) { BPFLibrary.version }

  func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  func contents(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  func findTool(_ name: String) -> String? {
    let search = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let directories = search.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
    return directories.map { $0 + "/" + name }.first { access($0, X_OK) == 0 }
  }

  func findClang() -> Result<ClangInstallation, KernelError> {
    Result { () throws(KernelError) in try ClangInstallation.find() }
  }

  func instructions(of clang: ClangInstallation) -> InstructionSet { clang.instructions }

  func tryStructOps() -> Result<String, KernelError> {
    do throws(KernelError) {
      let compiler = try BPFCompiler()
      let bytes = try compiler.object(
        source: "probe.bpf.c", files: CongestionSources.probe)
      let object = try BPFObject(bytes: bytes, name: "probe")
      try object.load()
      return .success("loaded a TCP congestion control")
    } catch {
      // Where it cannot be tried the kernel's own types still say whether it has the feature.
      let wants = error.code == .toolchain ? "a compiler" : "privileges"
      guard error.code == .toolchain || error.code == .permission,
        let found = KernelTypes.hasStruct("bpf_struct_ops_tcp_congestion_ops")
      else { return .failure(error) }
      return found
        ? .success("the kernel has it; not tried, for want of \(wants)")
        : .failure(KernelError(.missingFeature, "the kernel's types have no TCP struct_ops"))
    }
  }
}
