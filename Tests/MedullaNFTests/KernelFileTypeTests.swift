import DatapathCases
import Foundation
import Glibc
import MedullaEngines
import MedullaNF
import MedullaNFFunctions
import Testing

@Suite(
  "Types of files in datagrams of a chain", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelFileTypeTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL.path
  private static let search = EngineSearch(folders: [root])
  private static let noMagika: Comment = "no Python with magika; `make setup` or MEDULLA_PYTHON gives one"

  private final class Reports: AnswerSink, @unchecked Sendable {
    let all = Box<[FileTypeReport]>([])

    func take(
      _ answer: any Encodable & Sendable, to envelope: AnswerEnvelope?, by port: FunctionPort
    ) {
      if let report = answer as? FileTypeReport { all.change { $0.append(report) } }
    }
  }

  private static func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }

  /// A file in datagrams from one port.
  private static func frames(_ bytes: [UInt8], from port: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: 700).map { start in
      let part = bytes[start..<min(start + 700, bytes.count)]
      return [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0] + word(28 + part.count)
        + [0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2] + word(port) + word(7_000)
        + word(8 + part.count) + [0, 0] + part
    }
  }

  @Test(
    "with `udp: stream` a file in plain datagrams is told when they cease, and denied from then on",
    .enabled(if: FileTypeModel.packaged(search) != nil, noMagika), arguments: [true, false])
  func datagrams(isStream: Bool) throws {
    let text = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.root + "/Package.swift")))
    let model = try #require(FileTypeModel.packaged(Self.search))
    let reports = Reports()
    let options =
      "{\"model\": \"\(model)\", \"deny\": [\"swift\"], \"idle_ms\": 200, "
      + "\"udp\": \"\(isStream ? "stream" : "objects")\"}"
    let served = try ServedFunction(before: ["after"]) {
      try FileTypeFunction(FileTypeSettings(FunctionOptions(options, kind: "file-types")), sink: reports)
    }
    let after = FunctionThread(served.chain.path, "after", verdict: { _ in .release })
    #expect(served.chain.isPresent([ServedFunction.name, "after"]))
    let file = Self.frames(text, from: 40_000)
    #expect(try served.chain.pair.send(file.count, on: 0) { file[$0] } == file.count)
    // They go on at once.
    #expect(eventually(every: 1_000) { after.count == file.count })
    if isStream {
      #expect(eventually(every: 1_000) { reports.all.value.count == 1 })
      let report = try #require(reports.all.value.first)
      #expect(report.type == "swift" && report.size == text.count, "\(report)")
      #expect(report.source == "10.0.0.1:40000 > 10.0.0.2:7000")
    }
    let more = Self.frames(text, from: 40_000).prefix(5) + Self.frames(text, from: 40_001).prefix(5)
    let frames = Array(more)
    #expect(try served.chain.pair.send(10, on: 0) { frames[$0] } == 10)
    #expect(served.chain.settled(sent: file.count + 10) != nil)
    #expect(after.count == file.count + (isStream ? 5 : 10))
    #expect(eventually(every: 1_000) { served.counter("other_frames") == (isStream ? 0 : after.count) })
    #expect(served.counter("frames_dropped") == (isStream ? 5 : 0))
    // The rest of both is another stream each.
    #expect(eventually(every: 1_000) { reports.all.value.count == (isStream ? 3 : 0) })
    let error = served.end()
    after.end()
    #expect(error == nil, "\(String(describing: error))")
  }
}
