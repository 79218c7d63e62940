import Foundation
import MedullaAccelerators
import MedullaBase
import MedullaEngines
import MedullaNF
import MedullaPayload

/// Assembles objects out of packets and runs a network on each: transfer to the accelerator begins with an
/// object's first packets, and the network runs on one object while the next is received.
///
/// Frames stay where they were received until their pieces are in the tensor; the processor copies nothing
/// where the accelerator pulls.
package final class InferenceFunction: NetworkFunction {
  /// An object that is under way.
  private struct UnderWay {
    let name: ObjectName
    let object: PayloadObject
    /// A frame of its sender's, for the answer: its headers.
    let envelope: AnswerEnvelope?
  }

  private static let batch = 64

  private let settings: InferenceSettings
  private let accelerator: any Accelerator
  private let model: AcceleratorModel
  private let sink: any AnswerSink
  private var pipeline: ObjectPipeline?
  private var intake: ObjectIntake?
  private var underWay: [UInt64: UnderWay] = [:]
  private var numbers: [ObjectName: UInt64] = [:]
  private var next: UInt64 = 0
  /// Objects with pieces that were not lent yet, of the batch.
  private var news: [ObjectName] = []
  /// Objects that are whole and damaged, until the pipeline has given their pieces back.
  private var damaged: [ObjectName] = []
  private var counts = InferenceCounts()
  private let seed = UInt64.random(in: .min ... .max)

  package convenience init(_ options: FunctionOptions) throws {
    let settings = try InferenceSettings(options)
    let sink: any AnswerSink =
      switch settings.answers {
      case .file: try AnswerFile(settings.file)
      case .network: NetworkAnswers(branch: 0)
      case .none: NoAnswers()
      }
    try self.init(settings, sink: sink)
  }

  /// - Parameter sink: gets each object's outcome, on the function's thread.
  package init(_ settings: InferenceSettings, sink: any AnswerSink) throws {
    self.settings = settings
    self.sink = sink
    accelerator = try AcceleratorList.named(settings.accelerator)
    let engine = try EngineList.named(settings.engine)
    if let obstacle = engine.obstacle { throw obstacle }
    if let obstacle = accelerator.obstacle { throw obstacle }
    var options = EngineOptions()
    options.threads = settings.threads
    options.isReducedPrecision = settings.isReducedPrecision
    model = try AcceleratorModel(
      engine.load(.file(settings.model), options: options),
      name: (settings.model as NSString).lastPathComponent, engineDevice: engine.device,
      conversion: settings.conversion)
  }

  /// What objects must be: the model's input decides.
  private var format: ObjectFormat {
    if settings.conversion != nil || model.input.element == .uint8 {
      return .bytes(limit: model.objectBytes)
    }
    let shape = model.shape
    if model.input.element == .float32, shape.count == 4, shape[0] == 1 {
      return .imageFloat32(channels: shape[1], height: shape[2], width: shape[3])
    }
    return .bytes(limit: model.objectBytes)
  }

  /// Made with the first frames, when the packet memory is known.
  private func open(_ port: FunctionPort) throws -> ObjectPipeline {
    if let pipeline { return pipeline }
    let memory = try accelerator.register(port.memory, isReadOnly: port.writableMemory == nil)
    var schedule = ObjectSchedule.Settings(policy: settings.policy, tensorBytes: model.objectBytes)
    schedule.tensors = settings.tensors
    schedule.isCutThrough = settings.isCutThrough
    schedule.waitingLimit = settings.objectLimit
    let made = try ObjectPipeline(accelerator, model: model, memory: memory, settings: schedule)
    var intake = try ObjectIntake(
      StreamProfile(format: format, deadline: settings.deadline, objectLimit: settings.objectLimit),
      quota: port.quota, byteLimit: model.objectBytes, seed: seed)
    if let bound = settings.bound {
      let classes = intake.assembler.profiles.count
      try intake.assembler.set(
        Admission(bound: bound, workers: 1, assumed: max(1, bound / 4), classes: classes))
    }
    self.intake = intake
    pipeline = made
    return made
  }

  package func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) throws {
    let pipeline = try open(port)
    let now = MonotonicClock.nanoseconds
    for frame in frames { try take(frame, at: now, pipeline, port) }
    try lendNews(pipeline)
    try settle(pipeline, port)
  }

  private func take(
    _ frame: Frame, at now: UInt64, _ pipeline: ObjectPipeline, _ port: FunctionPort
  ) throws {
    guard let arrival = intake?.take(frame, at: now, by: port) else { return }
    if arrival.begins, try !begin(arrival.name, frame, pipeline) { return }
    if arrival.isDamaged { return damaged.append(arrival.name) }
    if arrival.hasNews, news.last != arrival.name { news.append(arrival.name) }
  }

  /// - Returns: false where the pipeline refuses it; the assembler then lets its frames go.
  private func begin(_ name: ObjectName, _ frame: Frame, _ pipeline: ObjectPipeline) throws -> Bool {
    guard let object = intake?.assembler.object(name) else { return false }
    let number = next
    next += 1
    if let refusal = pipeline.begin(number, byteCount: object.size) {
      counts.refused[refusal, default: 0] += 1
      intake?.finish(name)
      return false
    }
    underWay[number] = UnderWay(name: name, object: object, envelope: AnswerEnvelope(frame.bytes))
    numbers[name] = number
    return true
  }

  private func lendNews(_ pipeline: ObjectPipeline) throws {
    for name in damaged { if let number = numbers[name] { try pipeline.abandon(number) } }
    for name in news where !damaged.contains(name) {
      guard let number = numbers[name] else { continue }
      var pieces: [PayloadPiece] = []
      pieces.reserveCapacity(Self.batch)
      intake?.assembler.lend(name) { pieces.append($0) }
      if !pieces.isEmpty { try pipeline.take(number, pieces) }
    }
    news.removeAll(keepingCapacity: true)
  }

  /// Takes note of what is done: frames go back, answers go out.
  private func settle(_ pipeline: ObjectPipeline, _ port: FunctionPort) throws {
    try pipeline.poll()
    for released in pipeline.takeReleasedCounts() {
      if let one = underWay[released.object] { intake?.assembler.giveBack(one.name, count: released.count) }
    }
    forgetDamaged(pipeline)
    for result in pipeline.takeResults() { try deliver(result, port) }
    release(port)
  }

  /// Of an object that is damaged nobody reads pieces any more.
  private func forgetDamaged(_ pipeline: ObjectPipeline) {
    guard !damaged.isEmpty else { return }
    damaged.removeAll { name in
      if let number = numbers[name] {
        if pipeline.holds(number) { return false }
        underWay[number] = nil
        numbers[name] = nil
      }
      intake?.finish(name)
      return true
    }
  }

  private func deliver(_ result: ObjectResult, _ port: FunctionPort) throws {
    guard let one = underWay.removeValue(forKey: result.object) else { return }
    numbers[one.name] = nil
    let service = UInt64(max(0, result.times.computing.nanoseconds))
    intake?.finish(one.name, service: service)
    let answer = InferenceAnswer(one.object, result, outputs: model.outputs, top: settings.top)
    if answer.error == nil { counts.answered += 1 } else { counts.failed += 1 }
    counts.latency.add(UInt64(max(0, result.times.total.nanoseconds)))
    try sink.take(answer, to: one.envelope, by: port)
  }

  private func release(_ port: FunctionPort) {
    intake?.assembler.drainReleased { frames in
      for frame in frames where !sink.keeps(frameAt: Int(frame), by: port) {
        port.return(place: Int(frame), length: 0, .release)
      }
    }
  }

  /// What is under way was read from memory that is gone.
  package func startAnew(by port: FunctionPort) throws {
    throw NFError(.hostGone, "the chain has another host; start the function anew")
  }

  package func look(by port: FunctionPort) throws {
    if let pipeline {
      let now = MonotonicClock.nanoseconds
      while let expired = intake?.nextExpired(at: now) {
        if let number = numbers[expired.name] {
          try pipeline.abandon(number)
          try sink.take(InferenceAnswer(expired: expired), to: underWay[number]?.envelope, by: port)
        }
      }
      try settle(pipeline, port)
      forgetExpired()
    }
    publish(port)
  }

  /// Objects whose deadline has passed and whose pieces have all come back.
  private func forgetExpired() {
    for (number, one) in underWay where intake?.assembler.object(one.name) == nil {
      underWay[number] = nil
      numbers[one.name] = nil
    }
  }

  private func publish(_ port: FunctionPort) {
    guard let intake else { return }
    let assembled = intake.counts
    port.count("objects_begun", assembled.begun)
    port.count("objects_answered", counts.answered)
    port.count("objects_failed", counts.failed)
    port.count("objects_damaged", intake.damaged)
    port.count("objects_expired", assembled.expired)
    port.count("objects_refused", assembled.refused + counts.refused.values.reduce(0, +))
    port.count("packets", assembled.packets)
    port.count("packets_duplicate", assembled[.duplicate])
    port.count("other_frames", intake.otherFrames)
    port.count("latency_p50_us", (counts.latency.quantile(0.5) ?? 0) / 1_000)
    port.count("latency_p99_us", (counts.latency.quantile(0.99) ?? 0) / 1_000)
  }
}

/// What has become of objects.
struct InferenceCounts {
  var answered: UInt64 = 0
  var failed: UInt64 = 0
  var refused: [ObjectSchedule.Refusal: UInt64] = [:]
  /// From an object's first piece to its answer.
  var latency = LatencyHistogram()
}
