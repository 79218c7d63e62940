import DatapathCases
import Foundation
import MedullaDatapath
import MedullaKernel
import MedullaModel
import MedullaSnapshot
import Testing

@testable import MedullaCompile

/// What the verifier walks through is a number that repeats: it may not rise unnoticed.
@Suite("verified instructions")
struct VerifiedInstructionsTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  /// A rise of more than this part is one.
  private static let tolerance = 0.02

  /// By program, of one kernel and bundle.
  private static func table(kernel: KernelVersion, bundle: String) throws -> [String: Int] {
    let path = root.appendingPathComponent("docs/results/verified-instructions.txt")
    let rows = try String(contentsOf: path, encoding: .utf8).split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
    return rows.reduce(into: [:]) { table, row in
      if row.count == 4, row[0] == kernel.description, row[1] == bundle { table[row[2]] = Int(row[3]) }
    }
  }

  @Test(
    "the shipped networks need no more than the table has for this kernel (kernel)",
    .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason),
    arguments: [
      ("aurora", "models/aurora-medulla.onnx", "models/aurora-medulla-calibration.npy"),
      ("congestion", "models/congestion-medulla.onnx", "models/congestion-medulla-calibration.npy"),
      (
        "classify", "examples/custom-function/classify.safetensors",
        "examples/custom-function/classify-calibration.npy"
      ),
    ])
  func shipped(bundle: String, model: String, calibration: String) throws {
    let kernel = try #require(KernelVersion.running)
    let expected = try Self.table(kernel: kernel, bundle: bundle)
    // Rows of hooks (tc, xdp) are counted in guests, of attached functions.
    guard !expected.isEmpty else { return }
    let network = try Network.read(contentsOf: Self.root.appendingPathComponent(model).path)
    let samples = try SampleFile.read(
      Self.root.appendingPathComponent(calibration).path, elements: network.inputShape.count)
    let (snapshot, _) = try Compilation(network, Calibration(samples: samples, ranges: nil)).quantized()
    for entry in try BundlePrograms(SnapshotFile(snapshot)).entries {
      let verified = try #require(entry.verifiedInstructions, "\(entry.note ?? "")")
      let before = try #require(expected[entry.function], "\(bundle) \(entry.function) has no row")
      #expect(
        Double(verified) <= Double(before) * (1 + Self.tolerance),
        "\(bundle) \(entry.function): \(before) before; scripts/kernels.sh --record here writes it")
    }
  }
}
