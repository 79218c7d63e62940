import Foundation
import MedullaDatapath
import MedullaKernel
import MedullaModel
import MedullaSnapshot
import Testing

@testable import MedullaCompile

/// Bundles say which kernel their programs need, and are held to it.
@Suite("target kernel")
struct TargetKernelTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  private func withBundle(
    for kernel: KernelVersion, _ body: (SnapshotBundle) throws -> Void
  ) throws {
    let folder = NSTemporaryDirectory() + "medulla-target-\(UUID())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let network = try Network.read(contentsOf: Self.root + "/models/aurora-medulla.onnx")
    let samples = try SampleFile.read(
      Self.root + "/models/aurora-medulla-calibration.npy", elements: network.inputShape.count)
    let compilation = Compilation(
      network, Calibration(samples: Array(samples.prefix(200)), ranges: nil), kernel: kernel)
    try body(try compilation.bundle(at: folder + "/aurora.medulla"))
  }

  @Test("a bundle for an older kernel says so, and loads there and here")
  func older() throws {
    try withBundle(for: KernelVersion(major: 6, minor: 5)) { bundle in
      #expect(bundle.manifest.kernel == "6.1")
      _ = try DatapathSnapshot(bundle, for: KernelVersion(major: 6, minor: 1))
      _ = try DatapathSnapshot(bundle, for: KernelVersion(major: 7, minor: 0))
      // Made anew for a kernel of today, in its own place.
      let anew = try Recompilation(bundle, kernel: KernelVersion(major: 6, minor: 12)).bundle(at: bundle.path)
      #expect(anew.manifest.kernel == "6.6" && anew.file.digest == bundle.file.digest)
    }
  }

  @Test("an older kernel refuses a bundle that it could not load, with the command that makes one that fits")
  func tooNew() throws {
    try withBundle(for: KernelVersion(major: 6, minor: 12)) { bundle in
      #expect(bundle.manifest.kernel == "6.6")
      _ = try DatapathSnapshot(bundle, for: KernelVersion(major: 6, minor: 6))
      let error = #expect(throws: DatapathError.self) {
        try DatapathSnapshot(bundle, for: KernelVersion(major: 6, minor: 1))
      }
      #expect(error?.message.contains("need Linux 6.6 or newer, and this is 6.1") == true)
      #expect(error?.remedy.contains("compile \(bundle.path) --kernel 6.1 -o ") == true)
    }
  }
}
