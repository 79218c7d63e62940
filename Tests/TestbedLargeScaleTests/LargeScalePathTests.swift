import Foundation
import MedullaBase
import MedullaLearning
import MedullaSnapshot
import Testing

@testable import TestbedLargeScale
@testable import TestbedLink

@Suite("Large scale: networks of paths")
struct LargeScalePathTests {
  private static let seed: UInt64 = 20_261_129

  /// Flows whose path costs what its smoothed round trip was when they began.
  private static func explored(_ count: Int, _ generator: inout SeededGenerator) -> PathSamples {
    let bits = 16
    let flows = (0..<count).map { number in
      let roundTrips = (0..<2).map { _ in generator.logUniform(20...2_000) }
      let path = Int.random(in: 0...1, using: &generator)
      let features = roundTrips.flatMap { roundTrip in
        [log2(1 + roundTrip), 0, 0, 10, 1, 12].map { Int64($0 * Double(1 << bits)) }
      }
      return PathProgram.Flow(
        flow: number, bytes: 1_000, path: path, questions: 1, moves: 0, segments: 10, again: 0,
        meanRttUs: roundTrips[path], first: .init(features: features, outputs: [0, 0]))
    }
    let totals = FabricProgram.Totals(digest: "", dropped: 0, asked: count, refused: 0, waitMeanNs: 0)
    return PathSamples(PathProgram.Output(flows: flows, totals: totals), fractionBits: bits)
  }

  @Test(
    "a network learns each path's cost from flows that took one of them, and names the features it is told")
  func learns() throws {
    var generator = SeededGenerator(seed: Self.seed)
    let sets = [Self.explored(600, &generator), Self.explored(200, &generator)]
    var training = PathPredictor.Training()
    (training.starts, training.epochs, training.batch) = (1, 30, 32)
    let snapshot = try PathPredictor(paths: 2, explored: sets, training: training).file.snapshot
    let interpreter = ReferenceInterpreter(snapshot)
    var right = 0
    let judged = Self.explored(200, &generator)
    for input in judged.inputs {
      let costs = interpreter.run(features: interpreter.fixedPoint(input))
      if (costs[0] < costs[1]) == (input[0] < input[6]) { right += 1 }
    }
    #expect(right > 180, "\(right) of 200, seed \(Self.seed)")
    let names = snapshot.shape.flows?.features.map(\.description) ?? []
    #expect(names.count == 12 && names[0] == "log2(1+path_rtt_1)" && names[11] == "log2(1+path_bytes_2)")
  }

  @Test("a flow that saw no round trip, or was moved, teaches nothing")
  func useless() {
    func flow(_ number: Int, moves: Int = 0, roundTrip: Double = 40) -> PathProgram.Flow {
      PathProgram.Flow(
        flow: number, bytes: 1, path: 1, questions: 1, moves: moves, segments: 4, again: 1,
        meanRttUs: roundTrip, first: .init(features: [65_536], outputs: [0]))
    }
    let totals = FabricProgram.Totals(digest: "", dropped: 0, asked: 3, refused: 0, waitMeanNs: 0)
    let flows = [flow(0), flow(1, moves: 1), flow(2, roundTrip: 0)]
    let samples = PathSamples(PathProgram.Output(flows: flows, totals: totals), fractionBits: 16)
    #expect(samples.inputs == [[1]] && samples.taken == [1])
    #expect(abs(Double(samples.costs[0]) - (log2(41) + 4)) < 1e-5)
  }

  @Test("one exploration only is refused: none would be left to choose a start by")
  func oneSet() throws {
    var generator = SeededGenerator(seed: Self.seed)
    let set = Self.explored(20, &generator)
    #expect(throws: TestbedError.self) { try PathPredictor(paths: 2, explored: [set]) }
  }

  @Test("costs within a quarter of a power of two are the same")
  func margin() {
    #expect(PathCost.margin(fractionBits: 16) == 16_384)
    #expect(PathCost.bits(meanRoundTrip: 31, againShare: 0.5) == 13)
  }
}
