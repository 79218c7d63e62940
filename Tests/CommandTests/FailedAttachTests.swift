import Foundation
import Testing

/// An attachment that fails leaves the machine as it was.
@Suite("Failed attach")
struct FailedAttachTests {
  @Test(
    "a BPF file system that attach has mounted is unmounted when the attachment fails (kernel)",
    .enabled(if: TestHost.runsKernelTests))
  func mount() throws {
    let folder = NSTemporaryDirectory() + "medulla-mount-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // In namespaces of its own, where the shell is the first process, as in a container; TCP has a congestion
    // control `reno` always.
    let line = """
      bin/medulla compile models/aurora-medulla.onnx -o \(folder)/a.medulla \
      --calibration models/aurora-medulla-calibration.npy >/dev/null &&
      unshare --mount --propagation private --pid --fork --mount-proc sh -c '
        umount --lazy /sys/fs/bpf
        bin/medulla attach congestion --name reno \(folder)/a.medulla && exit 1
        grep -c " /sys/fs/bpf " /proc/self/mounts
        true'
      """
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let outcome = try MedullaCommandLine.shell(line)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("mounted the BPF file system"))
    #expect(outcome.errors.contains("has a congestion control named reno"))
    #expect(outcome.output == "0\n", "\(outcome.errors)")
  }
}
