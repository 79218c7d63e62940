import Foundation
import MedullaBase
import MedullaEngines
import Testing

@Suite(
  "Types of files", .enabled(if: EngineHost.fileTypes != nil, EngineHost.noMagika),
  .enabled(if: EngineHost.hasRuntime, EngineHost.noRuntime))
struct FileTypeTests {
  static let seed = 20

  /// What the package itself says: of each mode the network's type, the type, score, reason.
  private struct Peer: Decodable {
    let file: String
    let answers: [String: Answer]

    struct Answer: Decodable {
      let expected: FileTypeAnswer

      init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        let own = try values.decode(String.self)
        let type = try values.decode(String.self)
        let score = try values.decode(Float.self)
        let reason = try #require(FileTypeAnswer.Reason(rawValue: try values.decode(String.self)))
        expected = FileTypeAnswer(
          type, networkType: own == "undefined" ? nil : own, score: score, reason: reason)
      }
    }
  }

  /// Files, and what the package makes of them.
  private struct Files {
    let folder: TemporaryFolder
    let peers: [Peer]
    let rows: [Int32]

    init() throws {
      folder = try TemporaryFolder()
      let script = EngineHost.root.appendingPathComponent("Sources/Testbed/NF/python/file_types.py").path
      try EngineHost.run([script, folder.path, "\(FileTypeTests.seed)"])
      let json = try Data(contentsOf: URL(fileURLWithPath: folder.file("answers.json")))
      peers = try JSONDecoder().decode([Peer].self, from: json)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file("rows.bin")))
      rows = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    }

    func bytes(of peer: Peer) throws -> [UInt8] {
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file(peer.file))))
    }
  }

  private static let files = Result { try Files() }

  private func model(_ mode: FileTypeMode) throws -> FileTypeModel {
    try FileTypeModel(
      try #require(EngineHost.fileTypes), on: EngineHost.runtime, options: EngineOptions(threads: 1),
      mode: mode)
  }

  private func differs(_ one: FileTypeAnswer, _ other: FileTypeAnswer) -> Bool {
    one.type != other.type || one.networkType != other.networkType || one.reason != other.reason
      || abs(one.score - other.score) > 1e-4
  }

  @Test("the network is shown the values that the package shows it, of over 200 files")
  func features() throws {
    let files = try Self.files.get()
    let configuration = try model(.highConfidence).configuration
    #expect(files.peers.count > 200 && configuration.rowSize == 2_048 && configuration.types.count == 214)
    for (index, peer) in files.peers.enumerated() {
      let expected = Array(files.rows[index * 2_048..<(index + 1) * 2_048])
      let features = try files.bytes(of: peer).withUnsafeBytes { FileTypeFeatures($0, configuration) }
      switch features {
      case .row(let row): #expect(row == expected, "\(peer.file), seed \(Self.seed)")
      case .known: #expect(expected.allSatisfy { $0 == 0 }, "\(peer.file), seed \(Self.seed)")
      }
    }
  }

  @Test("answers are the package's, and many at once those of one by one", arguments: FileTypeMode.allCases)
  func answers(mode: FileTypeMode) throws {
    let files = try Self.files.get()
    let model = try model(mode)
    var all: [FileTypeFeatures] = []
    var single: [FileTypeAnswer] = []
    for peer in files.peers {
      let bytes = try files.bytes(of: peer)
      all.append(bytes.withUnsafeBytes { FileTypeFeatures($0, model.configuration) })
      single.append(try bytes.withUnsafeBytes { bytes throws(EngineError) in try model.identify(bytes) })
    }
    var reasons: [FileTypeAnswer.Reason: Int] = [:]
    for (index, peer) in files.peers.enumerated() {
      let expected = try #require(peer.answers[mode.rawValue]).expected
      #expect(!differs(single[index], expected), "\(peer.file): \(single[index]), not \(expected)")
      reasons[expected.reason, default: 0] += 1
    }
    // The network's scores depend a little on how many files it is shown at once, the package's too: what is
    // at the edge of two answers may go either way.
    let together = try model.identify(all)
    #expect(together.count == single.count)
    #expect(zip(together, single).filter { $0.type != $1.type }.count <= single.count / 50)
    #expect(zip(together, single).allSatisfy { abs($0.score - $1.score) < 0.05 })
    #expect(Set(single.map(\.type)).count > 20)
    #expect(reasons[.overwriteMap, default: 0] > 0 && reasons[.none, default: 0] > 0)
    #expect((reasons[.lowConfidence, default: 0] > 0) == (mode != .bestGuess))
  }

  @Test("of a file that is not in memory as a whole, its ends are enough")
  func ends() throws {
    let configuration = try model(.highConfidence).configuration
    var random = SeededGenerator(seed: 4)
    let bytes = (0..<50_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    let (head, tail) = (Array(bytes.prefix(4_096)), Array(bytes.suffix(4_096)))
    let whole = bytes.withUnsafeBytes { FileTypeFeatures($0, configuration) }
    let ends = head.withUnsafeBytes { head in
      tail.withUnsafeBytes { tail in
        FileTypeFeatures(head: head, tail: tail, size: bytes.count, configuration)
      }
    }
    #expect(whole == ends)
    guard case .row = whole else {
      Issue.record("50,000 bytes are shown to the network")
      return
    }
  }

  @Test("a folder without what belongs to a network is refused, and so is a configuration that is not known")
  func refused() throws {
    let folder = try TemporaryFolder()
    let source = try #require(EngineHost.fileTypes)
    #expect(throws: EngineError.self) { try FileTypeModel(folder.path, on: EngineHost.runtime) }
    for name in ["model.onnx", "config.min.json"] {
      try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: folder.file(name))
    }
    let knowledge = "content_types_kb.min.json"
    try FileManager.default.copyItem(
      atPath: "\(source)/../../config/\(knowledge)", toPath: folder.file(knowledge))
    _ = try FileTypeModel(folder.path, on: EngineHost.runtime)
    let text = try String(contentsOfFile: folder.file("config.min.json"), encoding: .utf8)
    let changes = [
      ("\"mid_size\":0", "\"mid_size\":512"), ("\"beg_size\":1024", "\"beg_size\":4096"),
      ("\"block_size\":4096", "\"block_size\":-1"), ("\"end_size\":1024", "\"end_size\":1000"),
      ("\"3gp\"", "\"no such type\""), ("\"padding_token\"", "\"filling\""),
      ("\"min_file_size_for_dl\":8", "\"min_file_size_for_dl\":0"),
    ]
    for (old, new) in changes {
      let changed = text.replacingOccurrences(of: old, with: new)
      #expect(changed != text, "\(old)")
      try Data(changed.utf8).write(to: URL(fileURLWithPath: folder.file("config.min.json")))
      let error = #expect(throws: EngineError.self) { try FileTypeModel(folder.path, on: EngineHost.runtime) }
      #expect(error?.code == .badModel && error?.remedy.isEmpty == false, "\(new)")
    }
  }
}
