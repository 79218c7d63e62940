import Foundation
import MedullaAdaptation
import MedullaBase
import MedullaDatapath
import MedullaFrames
import MedullaLearning
import MedullaModel
import Testing

@Suite("The adapter protocol's documentation and example")
struct ProcessExampleTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let perl = "/usr/bin/perl"

  /// The bytes of the document's block of that name.
  static func documented(_ name: String) throws -> Data {
    let page = try String(
      contentsOf: root.appendingPathComponent("docs/reference/adapter-protocol.md"), encoding: .utf8)
    let block = try #require(page.components(separatedBy: "```hex \(name)\n").dropFirst().first)
    var bytes = Data()
    for line in try #require(block.components(separatedBy: "\n```").first).split(separator: "\n") {
      for word in line.dropFirst(6).prefix(47).split(separator: " ") {
        bytes.append(try #require(UInt8(word, radix: 16)))
      }
    }
    return bytes
  }

  @Test("the documented exchange has the documented bytes")
  func bytes() throws {
    let request = TensorFrame(
      ["request": "evaluate", "id": 3], tensors: [FrameTensor("inputs", rows: [[1.5, -2]], width: 2)])
    #expect(try request.encoded() == Self.documented("request"))
    let answer = TensorFrame(
      ["answer": "ok", "id": 3], tensors: [FrameTensor("outputs", rows: [[0.25]], width: 1)])
    #expect(try answer.encoded() == Self.documented("answer"))
    var decoder = FrameDecoder()
    decoder.append(try Self.documented("request") + Self.documented("answer"))
    #expect(try decoder.next() == request)
    #expect(try decoder.next() == answer)
    #expect(try decoder.next() == nil)
  }

  @Test(
    "the example in Perl learns what the samples show",
    .enabled(if: FileManager.default.isExecutableFile(atPath: perl), "needs perl"))
  func perlLearns() throws {
    let program = Self.root.appendingPathComponent("examples/adapters/recursive-least-squares.pl").path
    let network = try Network(
      name: "linear", inputShape: TensorShape([2]),
      layers: [.dense(Dense(inputs: 2, outputs: 1, weights: [0, 0], bias: [0]))])
    var settings = ProcessSettings(command: [Self.perl, program])
    settings.isolation.user = ProcessPeer.user
    settings.options = ["target": 1, "scale": 65536]
    settings.startPatience = .seconds(20)
    let adapter = try ProcessAdapter(settings, network: network, log: ProcessPeer.quiet)
    defer { adapter.close() }
    var generator = SeededGenerator(seed: 5)
    let batch = Batch(
      samples: (0..<300).map { index in
        let (x, y) = (generator.uniform(-2...2), generator.uniform(-2...2))
        return FunctionSample(
          nanoseconds: UInt64(index), flow: 1, version: 1, features: [x, y].map { Int64($0 * 65536) },
          outputs: [0], outcomes: [0, Int64((3 * x - 0.5 * y + 1) * 65536)])
      })
    _ = try adapter.adapt(batch)
    #expect(try adapter.adapt(batch).stability < 1e-4)
    let learned = try adapter.freeze()
    let found = try adapter.evaluate([[0, 0], [1, 0], [0, 1]]).map { $0[0] }
    for (value, truth) in zip(found, [1, 4, 0.5] as [Float]) { #expect(abs(value - truth) < 0.01) }
    #expect(try abs(FloatReference(learned).run([1, 1])[0] - 3.5) < 0.01)
  }
}
