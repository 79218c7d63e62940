import Foundation
import MedullaLearning
import MedullaModel
import MedullaSnapshot
import TestbedMeasures
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("The study of what the network is worth")
struct AblationStudyTests {
  private let study = Ablation.study

  private func verdict(_ read: (StudyCell, Int) -> Reading) -> Verdict {
    let runs = (0..<3).flatMap { round in
      study.cells(study.plan).map { StudyRun($0, round: round, read($0, round)) }
    }
    return study.judge(runs, study.plan, complete: true)
  }

  @Test("forty links with four networks each, and longer runs where flows differ or rates change")
  func matrix() {
    let cells = study.cells(study.plan)
    func of(_ part: Ablation.Part) -> [StudyCell] {
      cells.filter { $0.fits([Ablation.parts(part.rawValue)]) }
    }
    #expect(cells.count == 160 && Set(cells).count == 160)
    #expect(
      [.alone, .loss, .shared, .changing, .beside].map { of($0).count / 4 } == [24, 4, 8, 1, 3])
    #expect(of(.loss).allSatisfy { Ablation.link($0).loss == 0.01 })
    #expect(Set(of(.beside).map { Ablation.link($0).bufferBdp }) == [0.5, 1, 4])
    for (part, times) in [(Ablation.Part.loss, (20, 5)), (.shared, (30, 7)), (.changing, (40, 10))] {
      #expect(of(part).allSatisfy { Ablation.seconds($0, study.plan) == times })
    }
  }

  @Test(
    "a trained network that is no better than one of the others misses by that one's name",
    arguments: [
      (Ablation.Policy.delayRule, "loss, shared, changing, beside: trained less delay rule, lower end"),
      (.zero, "all cells: trained less zero"), (.untrained, "all cells: trained less untrained"),
    ])
  func alike(other: Ablation.Policy, name: String) {
    let verdict = verdict { cell, round in
      let reads = cell.text("network") == other.rawValue ? cell.with(Ablation.networks, "trained") : cell
      return CongestionCases.steered(reads, round, lead: 0.1)
    }
    #expect(verdict.misses.count == 1 && verdict.misses[0].hasPrefix("\(name): 0.000"), "\(verdict.misses)")
  }

  @Test("a lead over the rule that is not sure is none, and one where it is easy does not count")
  func unsure() {
    let noisy = verdict { cell, round in
      var reading = CongestionCases.steered(cell, round, lead: 0.1)
      if cell.text("network") == "trained" { reading[Ablation.utility]? += [-0.2, 0, 0.2][round] }
      return reading
    }
    #expect(noisy.misses.count == 1 && noisy.misses[0].contains("lower end"))
    let easy = verdict { cell, round in
      var reading = CongestionCases.steered(cell, round, lead: 0.1)
      if cell.text("part") != "alone", cell.text("network") == "trained" { reading[Ablation.utility] = 0.75 }
      return reading
    }
    #expect(easy.misses.contains { $0.contains("lower end: -") })
  }

  @Test("utility is the share, at most 1, less half of the queue in round trips")
  func utility() {
    #expect(Ablation.utility(share: 0.9, queueMs: 8, rttMs: 40) == 0.8)
    #expect(Ablation.utility(share: 1.7, queueMs: 0, rttMs: 40) == 1)
    #expect(Ablation.utility(share: 1, queueMs: 160, rttMs: 40) == -1)
  }

  @Test("all four networks fit the shipped one's program, and say in integers what they say in floats")
  func networks() throws {
    let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../../models").standardizedFileURL.path
    let (shipped, samples) = try ShippedNetwork.read(models, .congestion)
    let calibration = Calibration(samples: samples)
    let shape = try Quantizer().quantize(shipped, calibration).shape
    for policy in Ablation.Policy.allCases {
      let network = try policy.network(shipped, seed: 1)
      let snapshot = try Quantizer(QuantizerOptions(matching: shape)).quantize(network, calibration)
      #expect(snapshot.shape == shape, "\(policy)")
      let (interpreter, reference) = (ReferenceInterpreter(snapshot), FloatReference(network))
      var (largest, errors): (Float, [Float]) = (0, [])
      for sample in samples.prefix(200) {
        let action = try #require(try reference.run(sample).first)
        let integer = try #require(interpreter.run(features: sample.map { Int64($0 * 65536) }).first)
        errors.append(abs(Float(integer) / 65536 - action))
        largest = max(largest, abs(action))
      }
      // In steps of the rate, 2.5% each: hardly ever more than a sixth of one, never more than half.
      #expect(errors.reduce(0, +) / Float(errors.count) < 0.05, "\(policy)")
      #expect(try #require(errors.max()) < 0.5, "\(policy)")
      #expect((largest == 0) == (policy == .zero), "\(policy)")
    }
  }
}
