import Foundation
import MedullaBase
import MedullaLearning
import MedullaModel
import MedullaNF
import MedullaPayload

/// Trains a network of convolutions on batches that come as objects: gathering the next one overlaps the step
/// on the one before.
///
/// A batch that finds both buffers full is refused as a whole and counted, so that training never falls
/// behind the stream.
package final class TrainerFunction: NetworkFunction {
  private let settings: TrainerSettings
  package let trainer: StreamTrainer
  private let sink: any AnswerSink
  private var intake: ObjectIntake?
  private var told = 0

  package convenience init(_ options: FunctionOptions) throws {
    let settings = try TrainerSettings(options)
    try self.init(settings, sink: settings.file.isEmpty ? NoAnswers() : AnswerFile(settings.file))
  }

  /// - Parameter sink: gets a `TrainingProgress` every so many batches.
  package init(_ settings: TrainerSettings, sink: any AnswerSink) throws {
    self.settings = settings
    self.sink = sink
    let network = try ConvolutionalNetwork(
      input: settings.format.shape, layers: settings.layers, seed: settings.seed)
    trainer = try StreamTrainer(
      network, rule: settings.rule,
      options: ConvolutionTrainer.Options(seed: settings.seed, parts: settings.parts), format: settings.format
    )
  }

  private func open(_ port: FunctionPort) throws(PayloadError) {
    guard intake == nil else { return }
    intake = try ObjectIntake(
      StreamProfile(
        format: settings.objectFormat, deadline: settings.deadline, objectLimit: settings.objectLimit),
      quota: port.quota, byteLimit: settings.format.byteCount, seed: .random(in: .min ... .max))
  }

  package func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) throws {
    try open(port)
    let now = MonotonicClock.nanoseconds
    for frame in frames {
      guard let arrival = intake?.take(frame, at: now, by: port), arrival.completes else { continue }
      try train(on: arrival, port)
    }
    release(port)
  }

  private func train(on batch: ObjectIntake.Arrival, _ port: FunctionPort) throws {
    defer {
      intake?.finish(batch.name)
      release(port)
    }
    guard !batch.isDamaged else { return }
    var pieces: [PayloadPiece] = []
    intake?.assembler.lend(batch.name) { pieces.append($0) }
    do throws(LearningError) {
      _ = try trainer.offer(pieces, in: port.memory)
    } catch {
      // That is counted, and the stream goes on.
      guard error.code == .malformedBatch else { throw error }
    }
  }

  private func release(_ port: FunctionPort) {
    intake?.assembler.drainReleased { frames in
      for frame in frames { port.return(place: Int(frame), length: 0, .release) }
    }
  }

  package func look(by port: FunctionPort) throws {
    while intake?.nextExpired(at: MonotonicClock.nanoseconds) != nil {}
    release(port)
    let report = trainer.report
    if report.batches / settings.interval > told / settings.interval {
      told = report.batches
      try sink.take(TrainingProgress(report), to: nil, by: port)
    }
    port.count("batches", UInt64(report.batches))
    port.count("batches_refused", UInt64(report.refused))
    port.count("batches_malformed", UInt64(report.malformed))
    port.count("batches_expired", intake?.counts.expired ?? 0)
    port.count("batches_damaged", intake?.damaged ?? 0)
    port.count("images_per_second", UInt64(max(0, report.imagesPerSecond)))
    port.count("loss_millionths", UInt64(max(0, min(report.lastLoss, 1e6) * 1e6)))
    port.count("other_frames", intake?.otherFrames ?? 0)
  }

  /// Waits for what was taken, and writes the network as ONNX where the options say so.
  package func end() throws {
    let (network, report) = try trainer.finish()
    try sink.finish(TrainingProgress(report))
    guard let path = settings.model else { return }
    try ONNXWriter.write(network.network(name: "trained"), to: AnswerFile.path(path))
  }
}

/// What training on a stream has come to.
package struct TrainingProgress: Encodable, Sendable, Equatable {
  package let batches: Int
  package let samples: Int
  /// Of the latest batch.
  package let loss: Double
  /// Of all samples when they were trained on.
  package let accuracy: Double
  package let imagesPerSecond: Double

  enum CodingKeys: String, CodingKey {
    case batches, samples, loss, accuracy
    case imagesPerSecond = "images_per_second"
  }

  init(_ report: StreamTrainingReport) {
    batches = report.batches
    samples = report.outcome.samples
    loss = report.lastLoss
    accuracy = report.outcome.accuracy
    imagesPerSecond = report.imagesPerSecond
  }
}
