import Foundation
import MedullaBase
import MedullaModel
import Testing

@testable import MedullaCodegen
@testable import MedullaSnapshot

@Suite("Generated text")
struct GoldenTests {
  /// Small programs that show every part of the text.
  static let shapes: [(name: String, shape: ProgramShape)] = [
    ("dense", dense(.w8a16, .pair)), ("dense-w8a8", dense(.w8a8, .triple)),
    ("dense-w8a10", dense(.w8a10, .triple, halved: true)), ("dense-w16a16", dense(.w16a16, .single)),
    ("convolution", convolution),
  ]

  /// Other ways to weights and loops, on shapes that show them.
  static let otherWays: [(name: String, shape: ProgramShape, options: ProgramOptions)] = [
    ("convolution-bpf-loop", convolution, ProgramOptions(loops: .bpfLoop)),
    ("convolution-arena", convolution, ProgramOptions(weights: .arena, loops: .canLoop)),
    ("dense-chunks", dense(.w8a16, .pair), ProgramOptions(weights: .mapChunks, chunkWords: 528)),
  ]

  @Test("headers of other options are as they were reviewed", arguments: otherWays)
  func ways(name: String, shape: ProgramShape, options: ProgramOptions) throws {
    try compare(ProgramHeader(shape: shape, options: options).text, with: name + ".h.txt")
  }

  @Test("headers are as they were reviewed", arguments: shapes)
  func headers(name: String, shape: ProgramShape) throws {
    try compare(ProgramHeader(shape: shape).text, with: name + ".h.txt")
  }

  @Test("the revision by which programs are told apart goes up with the text")
  func revision() throws {
    let texts = try Self.shapes.map { try ProgramHeader(shape: $0.shape).text }.joined()
    let reviewed = "7fd2541918ca21ddcd381a13702c3b142d445720a36532cc8d77e26d3876b7ab"
    #expect(
      ProgramHeader.revision == 3 && SHA256.hash(Array(texts.utf8)).hexadecimal == reviewed,
      "the text has changed: raise ProgramHeader.revision, and note both here")
  }

  @Test("plain C is as it was reviewed", arguments: shapes)
  func native(name: String, shape: ProgramShape) throws {
    try compare(NativeProgram(shape: shape).text, with: name + ".native.h.txt")
  }

  @Test("the same shape gives the same text, and decodes to itself")
  func reproducible() throws {
    for (name, shape) in Self.shapes {
      let data = try JSONEncoder().encode(shape)
      let again = try JSONDecoder().decode(ProgramShape.self, from: data)
      #expect(again == shape, "\(name)")
      #expect(try ProgramHeader(shape: again).text == ProgramHeader(shape: shape).text, "\(name)")
    }
  }

  /// With MEDULLA_UPDATE_GOLDEN set the reviewed files are written instead.
  private func compare(_ text: String, with name: String) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden").appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["MEDULLA_UPDATE_GOLDEN"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == text, "\(name) changed")
  }

  private static func dense(
    _ scheme: QuantizationScheme, _ packing: Packing, halved: Bool = false
  ) -> ProgramShape {
    let limit = scheme.activationLimit
    let whole = FunctionTable(function: .tanh, amplitude: limit, scheme: scheme)
    let tables = [halved ? whole.halved : whole]
    return ProgramShape(
      scheme: scheme, inputs: 2, tables: tables,
      steps: [
        .dense(
          DenseStep(
            inputs: 2, outputs: 9, packing: packing, epilogue: Epilogue(shift: 30, function: .table(index: 0))
          )),
        .dense(
          DenseStep(
            inputs: 9, outputs: 1, packing: packing,
            epilogue: Epilogue(shift: 30, function: .clamp(low: 0, high: limit)))),
        .map(MapStep(count: 1, epilogue: Epilogue(shift: 20, function: .identity))),
      ])
  }

  private static let convolution: ProgramShape = {
    let decay = FunctionTable(function: .decay, amplitude: 1 << 20, scheme: .w8a16)
    let two = Extent(height: 2, width: 2)
    let one = Extent(height: 1, width: 1)
    return ProgramShape(
      scheme: .w8a16, inputs: 9, tables: [decay],
      steps: [
        .pad(
          PadStep(channels: 1, height: 3, width: 3, padding: Padding(top: 1, left: 1, bottom: 1, right: 1))),
        .convolution(
          ConvolutionStep(
            inputChannels: 1, height: 5, width: 5, outputChannels: 3, kernel: two, strides: one,
            dilations: one,
            groups: 1, packing: .pair, epilogue: Epilogue(shift: 30, function: .clip))),
        .pool(
          PoolStep(
            kind: .maximum, channels: 3, height: 4, width: 4, kernel: two, strides: two, padding: Padding(),
            outputHeight: 2, outputWidth: 2)),
        .pool(
          PoolStep(
            kind: .average, channels: 3, height: 2, width: 2, kernel: two, strides: two, padding: Padding(),
            outputHeight: 1, outputWidth: 1)),
        .gather(GatherStep(inputs: 3, indices: [2, 0, 1, 1])),
        .map(
          MapStep(
            count: 4,
            epilogue: Epilogue(shift: 30, function: .leaky(multiplier: 655, shift: 16, limit: 32767)))),
        .softmax(SoftmaxStep(rows: 1, length: 4, shift: 30, table: 0, unit: 65536)),
        .argmax(ArgmaxStep(inputs: 4, unit: 65536)),
      ])
  }()
}
