import Foundation
import MedullaBase
import MedullaEngines
import MedullaNF
import MedullaNFFunctions
import MedullaPayload
import TestbedLink

/// Files of many types: written, drawn and of Python's packages, with what the package magika says of each.
package struct FileCorpus: Sendable {
  package struct File: Sendable {
    package let name: String
    package let bytes: [UInt8]
    package let type: String
    /// What the network is shown; nil: a rule answers without it.
    package let row: [Int32]?
  }

  private struct Answer: Decodable {
    struct Said: Decodable {
      let type: String
      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        _ = try values.decode(String.self)
        type = try values.decode(String.self)
      }
    }

    let file: String
    let answers: [String: Said]
  }

  package static let rowSize = 2_048
  private static let mode = "high-confidence"
  private static let patience = Duration.seconds(300)

  /// None is empty: no bytes are neither a stream nor an object.
  package let files: [File]

  /// - Parameter python: an interpreter with magika.
  package init(python: String, seed: UInt64) throws {
    let scratch = try ScratchDirectory("files-\(UInt32.random(in: 0...UInt32.max))")
    let (script, folder) = (scratch.path("file_types.py"), scratch.path("files"))
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(NFSources.fileTypes.utf8).write(to: URL(fileURLWithPath: script))
    guard (try? ChildProcess.run([python, "-c", "import magika"], within: Self.patience)) != nil else {
      throw TestbedError(
        .missingProgram, "The interpreter \(python) cannot import magika.",
        remedy: "Run `make setup`, or name an interpreter that has it in MEDULLA_PYTHON.")
    }
    try ChildProcess.run(
      [python, script, folder, "\(seed)"], environment: ["PYTHONDONTWRITEBYTECODE": "1"],
      within: Self.patience)
    func contents(_ name: String) throws -> Data {
      try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    let answers = try JSONDecoder().decode([Answer].self, from: contents("answers.json"))
    let rows = try contents("rows.bin").withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    files = try answers.enumerated().compactMap { index, answer in
      let row = Array(rows[index * Self.rowSize..<(index + 1) * Self.rowSize])
      let bytes = [UInt8](try contents(answer.file))
      guard !bytes.isEmpty, let said = answer.answers[Self.mode] else { return nil }
      return File(
        name: answer.file, bytes: bytes, type: said.type, row: row.allSatisfy { $0 == 0 } ? nil : row)
    }
  }
}

/// Files through a chain with the file-type function, beside the engine alone on the same rows.
package final class FileTypeBench {
  package enum Transport: String, CaseIterable, Sendable { case tcp, udp }

  /// One file's answer.
  package struct Answer: Sendable {
    package let isSame: Bool
    /// Nanoseconds from the reception of the last packet to the answer, and of the engine alone on the same
    /// row right after it; nil: the network was not asked.
    package let times: (function: UInt64, engine: UInt64)?
  }

  private static let packetBytes = 1_024
  private static let patience = Duration.seconds(10)
  private let link: ChainLink
  private let object: [UInt8]
  private let corpus: FileCorpus
  private let drain: StreamDrain

  package init(_ corpus: FileCorpus) throws {
    self.corpus = corpus
    object = try DemultiplexerObject.compile()
    link = try ChainLink(hasServer: true)
    drain = try StreamDrain(address: ChainLink.server, port: ChainLink.port, in: link.receiver)
  }

  package func remove() {
    drain.stop()
    link.remove()
  }

  /// Sends all files, each when the answer to the one before is there.
  package func answers(_ transport: Transport) throws -> [Answer] {
    let signal = AnswerSignal<FileTypeReport>()
    var rule = DemultiplexerRule(function: nil)
    rule.destinationPorts = ChainLink.port...ChainLink.port
    let chain = try LocalChain(
      on: link, object: object, rule: rule, next: .interface(ChainLink.output)
    ) {
      try FileTypeFunction(
        FileTypeSettings(FunctionOptions("{\"threads\": 1, \"file\": \"\"}", kind: "file-types")),
        sink: signal)
    }
    defer { chain.stop() }
    let engine = try RowEngine()
    let sender = try link.sender.inside { try ObjectSender(to: "\(ChainLink.server):\(ChainLink.port)") }
    return try corpus.files.enumerated().map { number, file in
      try Interruption.check()
      try send(file, number, transport, sender)
      guard let (report, time) = signal.next(within: Self.patience) else {
        try chain.check()
        throw TestbedError(
          .timedOut, "Nothing was told of \(file.name) (\(file.bytes.count) bytes) over \(transport).",
          remedy: "Run the command again on a quiet machine.")
      }
      let received = chain.times.newest
      let isSame = report.type == file.type && report.size == file.bytes.count
      guard let row = file.row else { return Answer(isSame: isSame, times: nil) }
      return Answer(isSame: isSame, times: (time - min(received, time), try engine.time(row)))
    }
  }

  private func send(
    _ file: FileCorpus.File, _ number: Int, _ transport: Transport, _ sender: ObjectSender
  ) throws {
    switch transport {
    case .tcp:
      let socket = try link.sender.inside {
        try StreamSocket.connect(to: ChainLink.server, port: ChainLink.port, within: .seconds(5))
      }
      try socket.send(file.bytes)
      socket.close()
    case .udp:
      let writer = try PayloadWriter(
        kind: .bytes, stream: 1, object: UInt64(number), size: file.bytes.count,
        pieceSize: Self.packetBytes)
      try file.bytes.withUnsafeBytes { try sender.send(writer, $0) }
    }
  }

  /// The engine alone, with the network's row in place.
  private final class RowEngine {
    private let model: any LoadedModel
    private let input: TensorBuffer
    private let output: TensorBuffer

    init() throws {
      guard let folder = FileTypeModel.packaged() else {
        throw TestbedError(
          .missingProgram, "No network of file types is at hand.",
          remedy: "Run `make setup`, or name an interpreter with magika in MEDULLA_PYTHON.")
      }
      let engine = try EngineList.named("onnxruntime")
      model = try engine.load(.file("\(folder)/model.onnx"), options: EngineOptions(threads: 1))
      input = TensorBuffer(.int32, [1, FileCorpus.rowSize])
      output = TensorBuffer(.float32, [1, model.outputs[0].shape.last.flatMap { $0 } ?? 0])
    }

    func time(_ row: [Int32]) throws -> UInt64 {
      row.withUnsafeBytes { input.bytes.copyMemory(from: $0) }
      let begin = MonotonicClock.nanoseconds
      try model.run(inputs: [input.view], outputs: [output.view])
      return MonotonicClock.nanoseconds - begin
    }
  }
}
