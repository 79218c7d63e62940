import Foundation
import Glibc
import MedullaBase
import MedullaEngines
import MedullaNF
import MedullaNFFunctions
import MedullaPayload
import TestbedLink
import TestbedMeasures

/// What became of objects that came faster than the network can answer.
package struct OverloadOutcome: Sendable {
  /// Objects a second that were answered.
  package var goodput: Double
  /// Milliseconds from an object's first packet to its answer.
  package var p50: Double
  package var p99: Double
  package var answered: Int
  package var refused: Int
  package var expired: Int
  /// Answers that are not what the engine says of the same object by itself.
  package var wrong: Int
}

/// Images over a wire into one inference function, at any rate.
package final class OverloadBench {
  private static let packetBytes = 1_024
  private static let kinds = 4
  private static let tolerance: Float = 1e-3

  private let link: ChainLink
  private let object: [UInt8]
  private let model: String
  private let owner: AnyObject
  private let images: [[UInt8]]
  /// The largest output of each image, by the engine alone.
  private let expected: [(index: Int, value: Float)]

  /// - Parameter owner: of the model's file, which it outlives.
  package init(model: String, of owner: AnyObject, imageBytes: Int) throws {
    object = try DemultiplexerObject.compile()
    (self.model, self.owner) = (model, owner)
    images = (0..<Self.kinds).map { Self.image(number: $0, bytes: imageBytes) }
    expected = try Self.expected(model, images)
    link = try ChainLink()
  }

  package func remove() { link.remove() }

  private static func image(number: Int, bytes: Int) -> [UInt8] {
    var generator = SeededGenerator(seed: UInt64(number) + 1)
    return (0..<bytes / 4).flatMap { _ in
      withUnsafeBytes(of: Float(generator.unit()).bitPattern.littleEndian, Array.init)
    }
  }

  private static func expected(_ path: String, _ images: [[UInt8]]) throws -> [(index: Int, value: Float)] {
    let model = try EngineList.named("onnxruntime").load(.file(path), options: EngineOptions(threads: 1))
    let input = TensorBuffer(.float32, model.inputs[0].shape.map { $0 ?? 1 })
    let output = TensorBuffer(.float32, model.outputs[0].shape.map { $0 ?? 1 })
    return try images.map { image in
      image.withUnsafeBytes { input.bytes.copyMemory(from: $0) }
      try model.run(inputs: [input.view], outputs: [output.view])
      let values = output.floats
      let best = values.indices.max { values[$0] < values[$1] } ?? 0
      return (best, values[best])
    }
  }

  /// - Parameters:
  ///   - perSecond: objects that are sent; nil: each when one is answered, two on their way, which is the
  ///     capacity.
  ///   - bound: milliseconds that an object may wait; nil: all are admitted.
  package func run(perSecond: Double?, bound: Int?, seconds: Double) throws -> OverloadOutcome {
    let signal = AnswerSignal<InferenceAnswer>()
    let text =
      "{\"model\": \"\(model)\", \"threads\": 1, \"answers\": \"none\", \"deadline_ms\": 5000, \"top\": 1"
      + (bound.map { ", \"bound_ms\": \($0)" } ?? "") + "}"
    let chain = try LocalChain(
      on: link, object: object, rule: ChainLink.objectRule, change: { $0.memory.frames = 65_536 }
    ) {
      try InferenceFunction(InferenceSettings(FunctionOptions(text, kind: "inference")), sink: signal)
    }
    defer { chain.stop() }
    let sender = try link.sender.inside { try ObjectSender(to: "\(ChainLink.server):\(ChainLink.port)") }
    var collected: [InferenceAnswer] = []
    let begin = MonotonicClock.nanoseconds
    let end = begin + UInt64(seconds * 1e9)
    var number = 0
    while MonotonicClock.nanoseconds < end {
      try Interruption.check()
      try chain.check()
      if let perSecond {
        let due = begin + UInt64(Double(number) / perSecond * 1e9)
        while MonotonicClock.nanoseconds < due { usleep(100) }
      } else {
        while number - collected.count >= 2, let next = signal.next(within: .seconds(5)) {
          collected.append(next.answer)
        }
      }
      try send(number, sender)
      number += 1
    }
    let elapsed = Double(MonotonicClock.nanoseconds - begin) / 1e9
    // What is answered later counts for the latency alone.
    while let next = signal.next(within: .zero) { collected.append(next.answer) }
    let inTime = collected.count { $0.error == nil }
    while let next = signal.next(within: .seconds(1)) { collected.append(next.answer) }
    return outcome(collected, goodput: Double(inTime) / elapsed, chain.report)
  }

  private func send(_ number: Int, _ sender: ObjectSender) throws {
    let image = images[number % images.count]
    let writer = try PayloadWriter(
      kind: .imageFloat32, stream: 1, object: UInt64(number), size: image.count,
      pieceSize: Self.packetBytes)
    try image.withUnsafeBytes { try sender.send(writer, $0, packetsPerSecond: 200_000) }
  }

  private func outcome(
    _ answers: [InferenceAnswer], goodput: Double, _ report: ChainReport
  ) -> OverloadOutcome {
    let good = answers.filter { $0.error == nil }
    let latencies = good.compactMap(\.totalMs)
    let wrong = good.count { answer in
      let expected = expected[Int(answer.object % UInt64(images.count))]
      guard let top = answer.top.first else { return true }
      return top.index != expected.index
        || abs(top.value - expected.value) > Self.tolerance * max(1, abs(expected.value))
    }
    func count(_ name: String) -> Int { Int(report.functions.first?.counters[name] ?? 0) }
    return OverloadOutcome(
      goodput: goodput, p50: Statistics.quantile(latencies, 0.5), p99: Statistics.quantile(latencies, 0.99),
      answered: good.count, refused: count("objects_refused"), expired: count("objects_expired"),
      wrong: wrong)
  }
}
