import Foundation
import MedullaFrames
import MedullaLearning
import Testing

@Suite("The congestion environment")
struct EnvironmentTests {
  static func steps(seed: UInt64, _ options: EnvironmentOptions, action: Float) throws
    -> [CongestionEnvironment.Step]
  {
    var steps: [CongestionEnvironment.Step] = []
    try CongestionEnvironment(options).play(seed: seed) { step in
      steps.append(step)
      return .act(action)
    }
    return steps
  }

  static func noisy() throws -> EnvironmentOptions {
    try EnvironmentOptions([
      "loss": [0.001, 0.02], "flows": [1, 4], "changes": 3, "cross": [0, 0.3], "steps": 60,
      "bandwidth": [5, 50],
    ])
  }

  @Test("an episode follows from its seed", arguments: [1, 2, 3] as [UInt64])
  func deterministic(seed: UInt64) throws {
    let options = try Self.noisy()
    let first = try Self.steps(seed: seed, options, action: 0.5)
    #expect(try Self.steps(seed: seed, options, action: 0.5) == first)
    #expect(try Self.steps(seed: seed + 10, options, action: 0.5) != first)
  }

  @Test("it begins, has its number of steps, and says at the last that it is", arguments: [1, 7, 60])
  func length(count: Int) throws {
    var options = try Self.noisy()
    options.steps = count
    let steps = try Self.steps(seed: 4, options, action: 0)
    #expect(steps.count == count + 1 && steps.filter(\.isLast).count == 1 && steps[count].isLast)
    #expect(steps[0].reward == 0)
    for step in steps {
      #expect(step.observation.count == CongestionEnvironment.bounds.count && step.reward <= 0)
      for (value, bounds) in zip(step.observation, CongestionEnvironment.bounds) {
        #expect(bounds.contains(value))
      }
      #expect((0...1).contains(step.figures.loss) && step.figures.throughput.isFinite)
    }
  }

  @Test("whoever leaves is asked no more")
  func leaves() throws {
    var asked = 0
    try CongestionEnvironment(Self.noisy()).play(seed: 1) { _ in
      asked += 1
      return asked < 5 ? .act(0) : .leave
    }
    #expect(asked == 5)
  }

  @Test("an action that is no number is none")
  func notFinite() throws {
    #expect(
      try Self.steps(seed: 2, Self.noisy(), action: .nan) == Self.steps(seed: 2, Self.noisy(), action: 0))
  }

  @Test("even a path that carries next to nothing gives an episode")
  func starved() throws {
    let options = try EnvironmentOptions([
      "bandwidth": 0.1, "rtt": 2000, "loss": 0.5, "cross": 0.9, "steps": 5,
    ])
    let steps = try Self.steps(seed: 3, options, action: -1)
    #expect(steps.count >= 2 && steps.last?.isLast == true)
  }

  @Test(
    "an option that makes no sense is named",
    arguments: [
      ("bandwith", 3), ("rtt", [3, 1]), ("rtt", "fast"), ("loss", 0.9), ("flows", [1, 2, 3]), ("steps", 0.5),
      ("steps", 1e9), ("buffer", [.null, 1]),
    ] as [(String, FrameValue)])
  func options(name: String, value: FrameValue) {
    #expect { try EnvironmentOptions([name: value]) } throws: { "\($0)".contains("`\(name)`") }
  }
}

@Suite("The simulator's service")
struct EnvironmentServerTests {
  /// Requests in order; answers are kept.
  final class Script: EnvironmentChannel {
    var requests: [TensorFrame]
    var answers: [TensorFrame] = []
    init(_ requests: [[String: FrameValue]]) { self.requests = requests.map { TensorFrame($0) } }
    func receive() throws(FrameError) -> TensorFrame? { requests.isEmpty ? nil : requests.removeFirst() }
    func send(_ frame: TensorFrame) throws(FrameError) {
      _ = try frame.encoded()
      answers.append(frame)
    }
  }

  static func serve(_ requests: [[String: FrameValue]]) throws -> [TensorFrame] {
    let script = Script(requests)
    try EnvironmentServer(script).serve()
    return script.answers
  }

  static let reset: [String: FrameValue] = ["request": "reset", "seed": 1, "id": 2, "options": ["steps": 2]]
  static let step: [String: FrameValue] = ["request": "step", "action": 0.5, "id": 3]

  @Test("every request has one answer, of the same id, and errors change nothing")
  func answers() throws {
    let answers = try Self.serve([
      ["request": "hello", "id": 1], Self.step, ["request": "reset"], ["request": "dance"], Self.reset,
      ["request": "step"], ["request": "dance"], Self.step, Self.step, Self.step, Self.reset, Self.step,
      Self.reset,
      ["request": "reset", "seed": 1, "options": ["x": 1]], Self.reset, ["request": "close"],
    ])
    let kinds = answers.map { $0.text("answer") == "ok" }
    #expect(
      kinds == [
        true, false, false, false, true, false, false, true, true, false, true, true, true, false, true, true,
      ])
    #expect(answers[4].fields["id"] == 2 && answers[7].fields["id"] == 3)
    #expect(answers[7].fields["truncated"] == false && answers[8].fields["truncated"] == true)
    // The same seed begins the same episode.
    #expect(answers[4] == answers[10] && answers[7].tensors == answers[11].tensors)
  }

  @Test("the end of the input ends it, in an episode too")
  func ends() throws {
    #expect(try Self.serve([]).isEmpty)
    #expect(try Self.serve([Self.reset, Self.step]).count == 2)
  }
}
