import Foundation
import MedullaBase
import MedullaEngines
import MedullaNF
import MedullaPayload

/// Tells what files are that pass by: the bytes of a TCP connection, each direction by itself, objects of
/// kind `bytes` in datagrams, and, where that is wanted, all datagrams between two ports as the bytes of a
/// stream.
///
/// Segments of streams go on at once, in whatever order they come: what the network needs of them, the
/// beginning and the end of a stream, is copied. Once a stream's type is known to be one that is not let
/// through, its further segments are dropped. Objects end here.
package final class FileTypeFunction: NetworkFunction {
  private let settings: FileTypeSettings
  private let model: FileTypeModel
  private let sink: any AnswerSink
  private var streams: CopiedStreams
  private var objects: FileObjects
  private var denied: Set<StreamKey> = []
  private var deniedOrder: [StreamKey] = []
  private var counts = FileTypeCounts()
  private static let deniedLimit = 65_536

  package convenience init(_ options: FunctionOptions) throws {
    let settings = try FileTypeSettings(options)
    try self.init(settings, sink: settings.file.isEmpty ? NoAnswers() : AnswerFile(settings.file))
  }

  /// - Parameter sink: gets a `FileTypeReport` for each file.
  package init(_ settings: FileTypeSettings, sink: any AnswerSink) throws {
    self.settings = settings
    self.sink = sink
    let engine = try EngineList.named(settings.engine)
    if let obstacle = engine.obstacle { throw obstacle }
    guard let folder = settings.model ?? FileTypeModel.packaged() else {
      throw NFError(
        .badSettings, "no network of file types is at hand",
        remedy: "pip install magika, or name the folder of its network by the option `model`")
    }
    var options = EngineOptions()
    options.threads = settings.threads
    model = try FileTypeModel(folder, on: engine, options: options, mode: settings.mode)
    let block = model.configuration.blockSize
    streams = try CopiedStreams(block: block, flows: settings.flows, idle: settings.idle)
    objects = try FileObjects(block: block, limit: settings.objectBytes)
  }

  package func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) throws {
    let now = MonotonicClock.nanoseconds
    // Before what comes now, which is no longer theirs.
    try tellSilent(at: now, port)
    for frame in frames { try take(frame, at: now, port) }
  }

  private func take(_ frame: Frame, at now: UInt64, _ port: FunctionPort) throws {
    guard let segment = try? StreamSegment(frame.bytes) else {
      counts.otherFrames += 1
      return port.return(frame, .next)
    }
    let payload = UnsafeRawBufferPointer(
      rebasing: frame.bytes[segment.start..<(segment.start + segment.length)])
    if !segment.isTCP {
      if PayloadHeader.isObject(payload) {
        if let file = objects.take(payload, at: now) { try tell(file, port) }
        return port.return(frame, .release)
      }
      // A datagram without an object is no file's, but where it is of a stream.
      guard settings.udp == .stream else {
        counts.otherFrames += 1
        return port.return(frame, .next)
      }
    }
    let isDenied = denied.contains(segment.key)
    if isDenied { counts.droppedFrames += 1 }
    port.return(frame, isDenied ? .release : .next)
    if let file = streams.take(segment, payload, at: now) { try tell(file, port) }
  }

  private func tellSilent(at now: UInt64, _ port: FunctionPort) throws {
    while let file = streams.nextExpired(at: now) { try tell(file, port) }
  }

  private func tell(_ file: FileEnds, _ port: FunctionPort) throws {
    let begun = MonotonicClock.nanoseconds
    let features = file.features(model.configuration)
    let answer = try model.identify([features])[0]
    let took = MonotonicClock.nanoseconds - begun
    counts.files += 1
    counts.inference.add(took)
    if let key = file.stream, settings.denied.contains(answer.type) { deny(key) }
    try sink.take(FileTypeReport(file, answer, nanoseconds: took), to: nil, by: port)
  }

  /// Ports come back, so the oldest are forgotten.
  private func deny(_ key: StreamKey) {
    guard denied.insert(key).inserted else { return }
    deniedOrder.append(key)
    if deniedOrder.count > Self.deniedLimit { denied.remove(deniedOrder.removeFirst()) }
  }

  package func look(by port: FunctionPort) throws {
    let now = MonotonicClock.nanoseconds
    try tellSilent(at: now, port)
    objects.expire(at: now)
    port.count("files", counts.files)
    port.count("files_denied", UInt64(deniedOrder.count))
    port.count("frames_dropped", counts.droppedFrames)
    port.count("other_frames", counts.otherFrames)
    port.count("streams_begun", streams.counts.begun)
    port.count("segments_passed_over", streams.passedOver)
    port.count("objects_begun", objects.counts.begun)
    port.count("objects_expired", objects.counts.expired)
    port.count("objects_damaged", objects.damaged)
    port.count("inference_p50_us", (counts.inference.quantile(0.5) ?? 0) / 1_000)
    port.count("inference_p99_us", (counts.inference.quantile(0.99) ?? 0) / 1_000)
  }
}

private struct FileTypeCounts {
  var files: UInt64 = 0
  var otherFrames: UInt64 = 0
  var droppedFrames: UInt64 = 0
  var inference = LatencyHistogram()
}

/// The options of `kind: file-types`.
package struct FileTypeSettings {
  /// What datagrams are that carry no object.
  package enum UDP: String, CaseIterable, Sendable {
    /// Nothing: they go on.
    case objects
    /// The bytes of a stream, one after the other as they come. UDP tells neither order nor loss nor end.
    case stream
  }

  package static let idleRange = 1...600_000

  package var engine: String
  /// The folder of the network; nil: the one of Python's package magika.
  package var model: String?
  package var threads: Int?
  package var mode: FileTypeMode
  /// Types whose streams are dropped from when they are known.
  package var denied: Set<String>
  package var flows: Int
  package var udp: UDP
  /// Nanoseconds of silence after which a stream has ended; UDP's end by it alone.
  package var idle: UInt64
  package var objectBytes: Int
  /// Where reports go; empty: nowhere.
  package var file: String

  package init(_ options: FunctionOptions) throws(NFError) {
    engine = try options.string("engine") ?? "onnxruntime"
    model = try options.string("model")
    threads = try options.integer("threads", in: 1...1_024)
    mode = try options.word("mode", FileTypeMode.allCases) ?? .highConfidence
    denied = Set(try options.strings("deny") ?? [])
    flows = try options.integer("flows", in: 1...(1 << 20)) ?? 4_096
    udp = try options.word("udp", UDP.allCases) ?? .objects
    idle = UInt64(try options.integer("idle_ms", in: Self.idleRange) ?? 5_000) * 1_000_000
    objectBytes = try options.integer("object_bytes", in: 1...(1 << 30)) ?? 64 << 20
    file = try options.string("file") ?? "file-types.jsonl"
  }
}

/// What was told of a file.
package struct FileTypeReport: Encodable, Sendable {
  package let source: String
  package let size: Int
  package let type: String
  package let score: Float
  /// What the network and the rule behind it took, in microseconds.
  package let inferenceUs: Double

  enum CodingKeys: String, CodingKey {
    case source, size, type, score
    case inferenceUs = "inference_us"
  }

  init(_ file: FileEnds, _ answer: FileTypeAnswer, nanoseconds: UInt64) {
    source = file.name
    size = file.size
    type = answer.type
    score = answer.score
    inferenceUs = Double(nanoseconds) / 1_000
  }
}
