import DatapathCases
import Foundation
import Glibc
import MedullaBase
import MedullaModel
import MedullaNF
import MedullaNFFunctions
import MedullaPayload
import Testing

/// Objects over a wire into functions that gather them: what comes damaged is nobody's.
@Suite(
  "Objects on a chain's frames", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelObjectTests {
  private static let piece = 1_000
  private static let objects = 60
  private static let inputs = 2_048

  /// Keeps all that it is told.
  private final class Answers: AnswerSink, @unchecked Sendable {
    let all = Box<[InferenceAnswer]>([])

    func take(
      _ answer: any Encodable & Sendable, to envelope: AnswerEnvelope?, by port: FunctionPort
    ) {
      if let answer = answer as? InferenceAnswer { all.change { $0.append(answer) } }
    }
  }

  private static func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }

  /// The frames of an object for the chain's port, in any order.
  private static func frames(
    _ bytes: [UInt8], object: UInt64, kind: PayloadKind, isDamaged: Bool,
    using generator: inout SeededGenerator
  ) throws -> [[UInt8]] {
    let writer = try PayloadWriter(
      kind: kind, stream: 1, object: object, size: bytes.count, pieceSize: piece,
      digest: bytes.withUnsafeBytes { PayloadDigest.of($0) })
    var datagrams = (0..<writer.packets).map { sequence in
      var datagram = [UInt8](repeating: 0, count: PayloadHeader.bytes + piece)
      let count = bytes.withUnsafeBytes { all in
        datagram.withUnsafeMutableBytes { writer.write(sequence, of: all, to: $0) }
      }
      return Array(datagram.prefix(count))
    }
    if isDamaged {
      let packet = Int.random(in: datagrams.indices, using: &generator)
      let place = Int.random(in: PayloadHeader.bytes..<datagrams[packet].count, using: &generator)
      datagrams[packet][place] ^= UInt8.random(in: 1...255, using: &generator)
    }
    return datagrams.shuffled(using: &generator).map { datagram in
      [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0] + word(28 + datagram.count)
        + [0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2] + word(40_000) + word(7_000)
        + word(8 + datagram.count) + [0, 0] + datagram
    }
  }

  @Test(
    "a model answers each object as it was sent, and one with a damaged packet never, which is counted",
    arguments: [true, false])
  func inference(isCutThrough: Bool) throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    let folder = NSTemporaryDirectory() + "medulla-objects-\(UUID())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let network = try Network(
      name: "sum", inputShape: TensorShape([Self.inputs]),
      layers: [
        .dense(
          Dense(
            inputs: Self.inputs, outputs: 1, weights: [Float](repeating: 1, count: Self.inputs), bias: [0]))
      ])
    try ONNXWriter.write(network, to: folder + "/sum.onnx")
    let answers = Answers()
    let options =
      "{\"model\": \"\(folder)/sum.onnx\", \"engine\": \"reference\", \"answers\": \"none\", "
      + "\"cut_through\": \(isCutThrough), \"deadline_ms\": 60000}"
    let served = try ServedFunction {
      try InferenceFunction(
        InferenceSettings(FunctionOptions(options, kind: "inference")), sink: answers)
    }
    #expect(served.chain.isPresent([ServedFunction.name]))
    var (sent, damaged) = (0, 0)
    var expected: [UInt64: Float] = [:]
    for object in UInt64(0)..<UInt64(Self.objects) {
      let values = (0..<Self.inputs).map { _ in Float(Int.random(in: 0...63, using: &generator)) }
      let isDamaged = object % 3 == 1
      if isDamaged { damaged += 1 } else { expected[object] = values.reduce(0, +) }
      let frames = try Self.frames(
        values.withUnsafeBytes { Array($0) }, object: object, kind: .bytes, isDamaged: isDamaged,
        using: &generator)
      #expect(try served.chain.pair.send(frames.count, on: 0) { frames[$0] } == frames.count)
      sent += frames.count
      let done = Int(object) + 1
      #expect(
        eventually(every: 1_000) {
          served.counter("objects_answered") + served.counter("objects_damaged") == done
        }, "seed \(seed), object \(object)")
    }
    let found = answers.all.value
    #expect(found.count == expected.count && found.allSatisfy { $0.error == nil }, "seed \(seed)")
    for answer in found { #expect(answer.top.first?.value == expected[answer.object], "seed \(seed)") }
    #expect(served.counter("objects_damaged") == damaged && served.counter("objects_failed") == 0)
    // No frame of a damaged object stays behind.
    #expect(served.chain.settled(sent: sent) != nil)
    let error = served.end()
    #expect(error == nil, "\(String(describing: error))")
  }

  @Test("a trainer takes no step on a damaged batch, and counts it")
  func training() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    let options =
      "{\"shape\": [1, 8, 8], \"batch\": 20, \"layers\": [\"dense 10\"], \"parts\": 1, \"file\": \"\", "
      + "\"deadline_ms\": 60000}"
    let served = try ServedFunction {
      try TrainerFunction(TrainerSettings(FunctionOptions(options, kind: "trainer")), sink: NoAnswers())
    }
    #expect(served.chain.isPresent([ServedFunction.name]))
    var (sent, damaged) = (0, 0)
    for object in UInt64(0)..<UInt64(Self.objects) {
      let pixels = (0..<20 * 64).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let labels = (0..<20).map { UInt8($0 % 10) }
      let isDamaged = object % 3 == 1
      if isDamaged { damaged += 1 }
      let frames = try Self.frames(
        pixels + labels, object: object, kind: .trainingBatch, isDamaged: isDamaged, using: &generator)
      #expect(try served.chain.pair.send(frames.count, on: 0) { frames[$0] } == frames.count)
      sent += frames.count
      let done = Int(object) + 1
      #expect(
        eventually(every: 1_000) { served.counter("batches") + served.counter("batches_damaged") == done },
        "seed \(seed), object \(object)")
    }
    #expect(served.counter("batches_damaged") == damaged && served.counter("batches_malformed") == 0)
    #expect(served.chain.settled(sent: sent) != nil)
    let error = served.end()
    #expect(error == nil, "\(String(describing: error))")
  }
}
