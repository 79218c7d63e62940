import Testing

@testable import MedullaLearning

@Suite("Evaluation beside a rival")
struct RivalEvaluationTests {
  static let cell = RivalEvaluation.Cell(
    rival: .cubic, isOwnFirst: false, rate: 24e6, roundTrip: 0.02, buffer: 2)

  static func rows(_ policy: @escaping AuroraEvaluation.Policy) throws -> [RivalEvaluation.Row] {
    var evaluation = RivalEvaluation()
    evaluation.measured = 25
    var first = cell
    first.isOwnFirst = true
    return try evaluation.run([cell, first], policy: policy)
  }

  @Test("two flows of CUBIC share the path, whoever came first")
  func cubic() throws {
    for row in try Self.rows({ _ in 0 }) {
      #expect((1.8...2.01).contains(row.cubicShare + row.rivalShareBesideCubic))
      #expect((0.6...1.4).contains(row.cubicShare))
    }
  }

  @Test("who gives way to queues and says no rival is there gets little; who says one is there does not")
  func verdicts() throws {
    let rule = DelayRule.best.policy
    for (verdict, range) in [(-4, 0...0.3), (4, 0.5...1.5)] as [(Int64, ClosedRange<Double>)] {
      for row in try Self.rows({ SteeringOutputs(action: rule($0).action, verdict: verdict << 16) }) {
        #expect(range.contains(row.ownShare), "verdict \(verdict): \(row.ownShare)")
        #expect(verdict > 0 ? row.belief > 0.8 : row.belief < 0.2)
      }
    }
  }

  @Test("the matrix has each rate, round trip and buffer, both ways, up to the fastest asked for")
  func cells() {
    #expect(RivalEvaluation.cells(rival: .cubic).count == 96)
    let slow = RivalEvaluation.cells(rival: .bbr, rateLimit: 100e6)
    #expect(slow.count == 72 && slow.allSatisfy { $0.rate <= 100e6 && $0.rival == .bbr })
    #expect(slow.count { $0.isOwnFirst } == 36)
  }
}
