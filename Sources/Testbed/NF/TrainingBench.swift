import Foundation
import Glibc
import MedullaBase
import MedullaLearning
import MedullaNF
import MedullaNFFunctions
import MedullaPayload
import TestbedLink

/// What training on a stream came to.
package struct TrainingOutcome: Sendable {
  /// From the stream's beginning to the end of the last step.
  package var imagesPerSecond: Double
  /// Of images that were not trained on.
  package var accuracy: Double
  /// Batches that were not trained on.
  package var lost: Int
}

/// A network trained for one epoch on batches that come over a wire: by a chain's trainer function, and by
/// PyTorch behind a socket.
package final class TrainingBench {
  private static let packetBytes = 1_024
  /// Batches on their way: one is trained on while the next comes.
  private static let outstanding = 2
  private static let patience = Duration.seconds(300)

  private let link: ChainLink
  private let object: [UInt8]
  private let training: ImageSet
  private let test: ImageSet

  package init() throws {
    (training, test) = (try ImageSet(.training), try ImageSet(.test))
    object = try DemultiplexerObject.compile()
    link = try ChainLink()
  }

  package func remove() { link.remove() }

  /// By the trainer function, with the paper's network.
  package func function(batch: Int, images: Int, seed: UInt64) throws -> TrainingOutcome {
    let settings = try TrainerSettings(
      FunctionOptions("{\"batch\": \(batch), \"file\": \"\", \"seed\": \(seed)}", kind: "trainer"))
    let function = try TrainerFunction(settings, sink: NoAnswers())
    let trainer = function.trainer
    let box = FunctionBox(function)
    let chain = try LocalChain(on: link, object: object, rule: ChainLink.objectRule) { box.function }
    defer { chain.stop() }
    let batches = training.batches(of: batch, labelBytes: 1, seed: seed).prefix(images / batch)
    let sender = try link.sender.inside { try ObjectSender(to: "\(ChainLink.server):\(ChainLink.port)") }
    func done() -> Int {
      let report = trainer.report
      return report.batches + report.refused + report.malformed
    }
    let begin = ContinuousClock.now
    for (number, bytes) in batches.enumerated() {
      try Self.wait { number - done() < Self.outstanding }
      let writer = try PayloadWriter(
        kind: .trainingBatch, stream: 1, object: UInt64(number), size: bytes.count,
        pieceSize: Self.packetBytes)
      try bytes.withUnsafeBytes { try sender.send(writer, $0) }
    }
    try Self.wait { done() >= batches.count }
    let seconds = (ContinuousClock.now - begin).inSeconds
    chain.stop()
    try chain.check()
    let report = trainer.report
    return TrainingOutcome(
      imagesPerSecond: Double(report.outcome.samples) / seconds, accuracy: try accuracy(trainer, batch),
      lost: batches.count - report.batches)
  }

  /// A function that is made here and served by another thread.
  private final class FunctionBox: @unchecked Sendable {
    let function: TrainerFunction
    init(_ function: TrainerFunction) { self.function = function }
  }

  private static func wait(_ condition: () -> Bool) throws {
    let limit = ContinuousClock.now + .seconds(5)
    while !condition() {
      guard ContinuousClock.now < limit else {
        throw TestbedError(
          .timedOut, "A batch did not come to the trainer: packets of it were lost.",
          remedy: "Run the command again on a quiet machine.")
      }
      sched_yield()
    }
  }

  private func accuracy(_ trainer: StreamTrainer, _ batch: Int) throws -> Double {
    var (right, all) = (0, 0)
    for bytes in test.batches(of: batch, labelBytes: 1, seed: 1) {
      let outcome = try bytes.withUnsafeBytes { try trainer.evaluate(TrainingBatch($0, trainer.format)) }
      right += outcome.correct
      all += outcome.samples
    }
    return all > 0 ? Double(right) / Double(all) : 0
  }

  private struct Answer: Decodable {
    let imagesPerSecond: Double
    let accuracy: Double
    let incomplete: Int
  }

  /// By PyTorch, which reads whole batches from a TCP socket.
  ///
  /// - Parameters:
  ///   - python: an interpreter with torch.
  ///   - isChannelsLast: PyTorch's other order of memory.
  package func torch(
    batch: Int, images: Int, seed: UInt64, python: String, isChannelsLast: Bool
  ) throws -> TrainingOutcome {
    let scratch = try ScratchDirectory("torch-\(UInt32.random(in: 0...UInt32.max))")
    let script = scratch.path("torch_stream.py")
    try Data(NFSources.torchStream.utf8).write(to: URL(fileURLWithPath: script))
    let process = try link.receiver.start(
      [
        python, script, "--batch", "\(batch)", "--address", ChainLink.server, "--listen", "\(ChainLink.port)",
        "--seed", "\(seed)", "--test-images", ImageSet.file(.test, "images-idx3"),
        "--test-labels", ImageSet.file(.test, "labels-idx1"),
      ] + (isChannelsLast ? ["--channels-last"] : []),
      environment: ["PYTHONDONTWRITEBYTECODE": "1"], errors: .inherited)
    defer { process.end() }
    let batches = training.batches(of: batch, labelBytes: 8, seed: seed).prefix(images / batch)
    let namespace = link.sender
    let socket = try namespace.inside {
      try StreamSocket.connect(to: ChainLink.server, port: ChainLink.port, within: .seconds(60)) {
        process.isRunning
      }
    }
    for bytes in batches {
      try Interruption.check()
      try socket.send(bytes)
    }
    socket.close()
    let outcome = try process.finish(within: Self.patience)
    guard outcome.status == 0 else { throw process.failure(outcome) }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let answer = try decoder.decode(Answer.self, from: Data(outcome.output))
    return TrainingOutcome(
      imagesPerSecond: answer.imagesPerSecond, accuracy: answer.accuracy, lost: answer.incomplete)
  }
}
