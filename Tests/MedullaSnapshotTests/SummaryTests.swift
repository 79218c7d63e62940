import Foundation
import InferenceCases
import MedullaModel
import Testing

@testable import MedullaSnapshot

@Suite("What inspect tells")
struct SummaryTests {
  @Test("a snapshot that exists is proven, in whatever packing")
  func proven() throws {
    var packings: Set<Packing> = []
    for example in try InferenceCase.all(seed: 78) {
      let summary = try Self.summary(of: example)
      #expect(!summary.text.contains("not proven"), "\(example.name)")
      for layer in summary.layers {
        guard let bound = layer.bound, let low = layer.lowestLane, let high = layer.highestLane,
          let packing = layer.packing.flatMap(Packing.init(rawValue:))
        else { continue }
        packings.insert(packing)
        #expect(low >= -bound - 1 && high <= bound, "\(example.name), \(layer.name)")
      }
    }
    #expect(packings == Set(Packing.allCases))
  }

  private static func summary(of example: InferenceCase) throws -> SnapshotSummary {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = try SnapshotFile(example.snapshot)
    let report = try AccuracyReport(
      example.snapshot, example.network, Calibration(samples: example.samples))
    let bundle = try SnapshotBundle.write(file, to: folder.path + "/case.medulla") { _ in
      BundleManifest(file, report: report, programs: [], programsNote: "none")
    }
    return SnapshotSummary(bundle)
  }
}
