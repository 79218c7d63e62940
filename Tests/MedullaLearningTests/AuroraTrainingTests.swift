import CMedullaABI
import Foundation
import MedullaBase
import MedullaModel
import Testing

@testable import MedullaLearning

@Suite("Training of the congestion policy")
struct AuroraTrainingTests {
  static func options(seed: UInt64 = 5) -> AuroraTraining.Options {
    var options = AuroraTraining.Options()
    options.seed = seed
    options.episodes = 6
    options.decisions = 20
    options.steps = 1_000_000
    return options
  }

  @Test("the same seed gives the same network, another seed another")
  func determinism() throws {
    func parameters(_ seed: UInt64) throws -> [Float] {
      var training = try AuroraTraining(options: Self.options(seed: seed))
      for _ in 0..<3 { _ = try training.advance() }
      return training.policy.parameters
    }
    let first = try parameters(5)
    #expect(try parameters(5) == first)
    #expect(try parameters(6) != first)
  }

  @Test("a run resumed from its checkpoint ends as one run does")
  func resume() throws {
    let path = NSTemporaryDirectory() + "medulla-checkpoint-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var whole = try AuroraTraining(options: Self.options())
    for _ in 0..<4 { _ = try whole.advance() }
    var half = try AuroraTraining(options: Self.options())
    for _ in 0..<2 { _ = try half.advance() }
    try half.save(to: path)
    var resumed = try AuroraTraining.load(from: path)
    for _ in 0..<2 { _ = try resumed.advance() }
    #expect(resumed.policy.parameters == whole.policy.parameters)
    #expect(resumed.history == whole.history)
  }

  @Test("a file that is no checkpoint is refused", arguments: ["", "{}", "[1, 2]", "not json"])
  func refusal(text: String) throws {
    let path = NSTemporaryDirectory() + "medulla-checkpoint-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: LearningError.self) { try AuroraTraining.load(from: path) }
  }

  @Test("a checkpoint whose parts do not fit together is refused")
  func unsound() throws {
    let path = NSTemporaryDirectory() + "medulla-checkpoint-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try AuroraTraining(options: Self.options()).save(to: path)
    let text = try String(contentsOfFile: path, encoding: .utf8)
      .replacingOccurrences(of: "[50,64,32,2]", with: "[50,65,32,2]")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: LearningError.self) { try AuroraTraining.load(from: path) }
  }

  @Test("the exported network takes raw features and gives the policy's action")
  func export() throws {
    let training = try AuroraTraining(options: Self.options())
    let reference = FloatReference(try training.network())
    let policy = training.evaluationPolicy()
    var generator = SeededGenerator(seed: 9)
    for _ in 0..<200 {
      // Inside the clip, where the two must agree.
      let features: [Int64] = (0..<AuroraObservation.features).map { index in
        let range = AuroraObservation.kinds[index].range
        let value = generator.uniform(Double(range.lowerBound)...Double(range.upperBound))
        return Int64(value * 65536)
      }
      let action = features.withUnsafeBufferPointer { pointer in
        pointer.baseAddress.map { Double(policy($0).action) / 65536 } ?? .nan
      }
      let exported = try reference.run(features.map { Float($0) / 65536 })[0]
      #expect(abs(Double(exported) - action) < 1e-3)
    }
  }

  @Test("calibration covers the features in natural units and survives its file")
  func calibration() throws {
    let training = try AuroraTraining(options: Self.options())
    let calibration = try AuroraCalibration(policy: training.optimizer.policy, count: 300, seed: 2)
    #expect(calibration.count == 300)
    #expect(
      calibration.values.enumerated().allSatisfy { index, value in
        AuroraObservation.kinds[index % AuroraObservation.features].range.contains(value)
      })
    let path = NSTemporaryDirectory() + "medulla-calibration-\(UUID().uuidString).npy"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try SampleFile.write(calibration.samples, to: path)
    #expect(try SampleFile.read(path, elements: AuroraObservation.features) == calibration.samples)
    #expect(try AuroraCalibration(policy: training.optimizer.policy, count: 300, seed: 2) == calibration)
  }

  @Test("a verdict that is not taught stays as it was, whatever the actions learn", arguments: [true, false])
  func keptVerdict(isTaught: Bool) throws {
    var options = Self.options()
    if !isTaught { options.optimizer.labelRate = 0 }
    var training = try AuroraTraining(options: options)
    let before = training.evaluationPolicy()
    for _ in 0..<3 { _ = try training.advance() }
    let after = training.evaluationPolicy()
    let features = [Int64](repeating: 1 << 15, count: AuroraObservation.features)
    #expect(after(features).action != before(features).action)
    #expect((after(features).verdict == before(features).verdict) == !isTaught)
  }

  @Test("a verdict is taught beside a network whose actions stay as they are")
  func taughtBeside() throws {
    let steering = try AuroraTraining(options: Self.options()).network()
    var options = AuroraTraining.Options.verdict
    (options.steps, options.episodes, options.decisions) = (100_000, 8, 40)
    let start = try AuroraObservation.export(
      DenseNetwork(widths: [30, 8, 1], activations: [.tanh, .identity], seed: 3), name: "steering")
    var training = try AuroraTraining(options: options, scenarios: .contested, start: start)
    #expect(throws: LearningError.self) { try AuroraTraining(options: options, start: steering) }
    let (before, first) = (AuroraEvaluation.policy(start), training.evaluationPolicy())
    for _ in 0..<2 { _ = try training.advance() }
    let after = AuroraEvaluation.policy(try training.network())
    let features = [Int64](repeating: 40_000, count: AuroraObservation.features)
    #expect(abs(after(features).action - before(features).action) < 64)
    #expect(after(features).verdict != first(features).verdict)
  }

  @Test("a learning curve is an SVG document with the run's seed")
  func curve() throws {
    var training = try AuroraTraining(options: Self.options())
    for _ in 0..<2 { _ = try training.advance() }
    let svg = LearningCurve(training.history, name: training.name, seed: 5).svg
    #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
    #expect(svg.contains("seed 5"))
    // Two lines each of reward, use, queue, right verdicts and their cross entropy.
    #expect(svg.components(separatedBy: "<polyline").count == 11)
  }

  @Test("Jain's index is 1 for equal shares and 1/n for one that takes all")
  func jain() {
    #expect(AuroraEvaluation.jain([3, 3, 3, 3]) == 1)
    #expect(AuroraEvaluation.jain([5, 0, 0, 0]) == 0.25)
    #expect(abs(AuroraEvaluation.jain([2, 1]) - 0.9) < 1e-12)
  }
}
