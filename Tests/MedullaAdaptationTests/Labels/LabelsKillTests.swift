import Foundation
import MedullaBase
import MedullaLabels
import MedullaRetraining
import Testing

@testable import MedullaAdaptation

@Suite("Labels after a kill", .serialized)
struct LabelsKillTests {
  private static func folder(_ name: String) throws -> String {
    let path = FileManager.default.temporaryDirectory.path + "/labels-\(name)-\(getpid())"
    try? FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  /// What a kill leaves: the files as they are, under another name.
  private static func copy(_ folder: String, to other: String) throws {
    try? FileManager.default.removeItem(atPath: other)
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
    for file in try FileManager.default.contentsOfDirectory(atPath: folder) {
      try? FileManager.default.copyItem(atPath: folder + "/" + file, toPath: other + "/" + file)
    }
  }

  @Test("wherever it is killed, each label is learned from once, and what was asked stays spent")
  func once() throws {
    let (folder, image) = (try Self.folder("kill"), try Self.folder("image"))
    defer { for path in [folder, image] { try? FileManager.default.removeItem(atPath: path) } }
    let truth = FlowTruth()
    let agent = ScriptedLabeler.noisy("a", truth)
    let bench = try LabelsBench([agent], truth: truth, folder: folder) { $0.window = 25 }
    var images = 0
    for round in 0..<12 {
      _ = try bench.adapter.adapt(bench.batch(20))
      usleep(UInt32(round % 4) * 15_000)
      _ = try bench.adapter.adapt(Batch())
      if round % 3 == 1 { usleep(1_050_000) }
      _ = try bench.adapter.adapt(Batch())
      guard round % 2 == 1 else { continue }
      try Self.copy(folder, to: image)
      images += 1
      try checkImage(image, truth, asked: Int(bench.nextSample - 1) / 25 * 25)
    }
    #expect(images == 6)
    bench.adapter.close()
  }

  /// Goes on from an image until all labels are learned from, with flows of its own to fill windows.
  private func checkImage(_ image: String, _ truth: FlowTruth, asked: Int) throws {
    let agent = ScriptedLabeler.noisy("a", truth)
    let bench = try LabelsBench([agent], truth: truth, folder: image, firstSample: 100_000) {
      $0.window = 25
    }
    defer { bench.adapter.close() }
    let spent = bench.keeper.ledger.purses["a"]?.totalCalls ?? 0
    // The journal knows all that was asked about; flows whose answer was lost with the process are given up
    // after the patience, without a label.
    let known = bench.keeper.book.counts
    #expect(known.asked <= asked && spent <= known.asked)
    let labelled = known.labelled
    for _ in 0..<4 { try bench.run(25) }
    try bench.run(25)
    let own = bench.keeper.book.counts.labelled - labelled
    let offered = Int(bench.adapter.learned.memory.offered)
    let waiting = bench.keeper.book.flows.filter { !$0.labels.isEmpty }.count
    #expect(offered + waiting >= labelled + own, "\(offered) \(waiting) \(labelled) \(own)")
    #expect(offered <= labelled + own, "\(offered) of \(labelled) and \(own)")
  }
}
