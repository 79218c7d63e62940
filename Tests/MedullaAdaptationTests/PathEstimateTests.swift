import Foundation
import MedullaCongestion
import MedullaDatapath
import MedullaLearning
import Testing

@testable import MedullaAdaptation
@testable import MedullaCongestionAdapter

@Suite("What live batches say of the path")
struct PathEstimateTests {
  @Test(
    "rate, round trip, queue and flows are those of the path",
    arguments: [(5.0, 5.0, 1), (100, 40, 1), (48, 100, 4)] as [(Double, Double, Int)])
  func path(megabits: Double, milliseconds: Double, flows: Int) throws {
    let batch = LearningCases.path(megabits: megabits, milliseconds: milliseconds, queue: 0.4, flows: flows)
    let estimate = try #require(PathEstimate(batch.samples))
    #expect(estimate.rate.lowerBound > megabits * 0.9e6 && estimate.rate.upperBound < megabits * 1.1e6)
    #expect(abs(estimate.roundTrip.lowerBound - milliseconds / 1e3) < 1e-9)
    #expect(estimate.flows == flows)
    #expect(estimate.queueing > milliseconds / 1e3 * 0.7 && estimate.queueing <= milliseconds / 1e3 * 0.8)
    #expect(estimate.loss == 0 && !estimate.isBufferKnown)
    let ranges = estimate.ranges
    #expect(ranges.rate.contains(megabits * 1e6) && ranges.roundTrip.contains(milliseconds / 1e3))
    _ = try AuroraScenarios(ranges)
  }

  /// Flows of three decisions each that come one after another, each with all of the path.
  static func oneAfterAnother(flows: Int, megabits: Double, milliseconds: Double) -> Batch {
    var samples: [FunctionSample] = []
    for flow in 0..<flows {
      let batch = LearningCases.path(
        megabits: megabits, milliseconds: milliseconds, queue: 0, samples: 3, seed: UInt64(flow))
      for (index, sample) in batch.samples.enumerated() {
        let end = Double(flow * 3 + index + 1) * milliseconds * 1e6
        samples.append(
          FunctionSample(
            nanoseconds: UInt64(end), flow: UInt64(flow), version: 1, features: sample.features,
            outputs: sample.outputs, outcomes: sample.outcomes))
      }
    }
    return Batch(samples: samples)
  }

  @Test("forty short flows one after another share nothing, however close together they come")
  func sequence() throws {
    let batch = Self.oneAfterAnother(flows: 40, megabits: 100, milliseconds: 10)
    let estimate = try #require(PathEstimate(batch.samples))
    #expect(estimate.flows == 1)
    #expect(estimate.rate.lowerBound > 80e6 && estimate.rate.upperBound < 120e6, "\(estimate.rate)")
  }

  @Test("loss without a queue is the path's, loss with a queue tells the buffer's size")
  func loss() throws {
    let random = try #require(
      PathEstimate(LearningCases.path(megabits: 100, milliseconds: 20, queue: 0, loss: 0.02).samples))
    #expect(abs(random.loss - 0.02) < 0.005)
    #expect(!random.isBufferKnown)
    #expect(random.ranges.lossChance == 0.8 && random.ranges.loss.contains(0.02))
    let overflow = try #require(
      PathEstimate(LearningCases.path(megabits: 100, milliseconds: 20, queue: 0.5, loss: 0.02).samples))
    #expect(overflow.isBufferKnown)
    #expect(overflow.ranges.buffer.contains(1))
  }

  @Test("too few samples, and those of another function, say nothing")
  func nothing() {
    #expect(PathEstimate([]) == nil)
    #expect(PathEstimate(LearningCases.path(megabits: 1, milliseconds: 1, samples: 7).samples) == nil)
    #expect(PathEstimate(LearningCases.labeled(batches: 1)[0].samples) == nil)
  }

  @Test("extreme outcomes give ranges that can be trained on, or nothing")
  func extremes() throws {
    for value in [1, 1_000, Int64.max] {
      let samples = (0..<16).map { index in
        FunctionSample(
          nanoseconds: 0, flow: UInt64(index), version: 1, features: [], outputs: [],
          outcomes: [Int64](repeating: value, count: CongestionOutcome.fields.count))
      }
      if let estimate = PathEstimate(samples) { _ = try AuroraScenarios(estimate.ranges) }
    }
  }

  @Test("past paths fade in the mixture but stay in it, up to a limit")
  func memory() throws {
    var memory = PathMemory()
    for round in 0..<40 {
      let megabits = 2 * pow(1.65, Double(round % 20))
      for seed in 0..<2 {
        let batch = LearningCases.path(megabits: megabits, milliseconds: 10, seed: UInt64(seed))
        _ = memory.note(try #require(PathEstimate(batch.samples)))
      }
      #expect(memory.places.count <= PathMemory.limit)
      let scenarios = try #require(try memory.scenarios())
      #expect(scenarios.parts.count == memory.places.count)
      #expect(scenarios.parts[0].ranges.rate.contains(megabits * 1e6))
      #expect(scenarios.parts[0].weight == PathMemory.presentShare)
    }
    #expect(memory.places.count == PathMemory.limit)
  }

  @Test("one odd batch does not make a new path")
  func oddBatch() throws {
    var memory = PathMemory()
    func note(_ megabits: Double) throws -> Bool {
      memory.note(
        try #require(PathEstimate(LearningCases.path(megabits: megabits, milliseconds: 10).samples)))
    }
    var changes: [Bool] = []
    for megabits in [10.0, 11, 40, 10, 40, 40, 10, 10] { changes.append(try note(megabits)) }
    #expect(changes == [true, false, false, false, false, true, false, true])
    #expect(memory.places.count == 2)
  }
}
