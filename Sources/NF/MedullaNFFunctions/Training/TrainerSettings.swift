import MedullaBase
import MedullaLearning
import MedullaNF
import MedullaPayload

/// The options of `kind: trainer`.
package struct TrainerSettings {
  package var format: BatchFormat
  package var layers: [ConvolutionalLayer]
  package var rule: DescentRule
  package var seed: UInt64
  /// Parts of a batch that are computed at the same time.
  package var parts: Int
  package var deadline: UInt64
  package var objectLimit: Int
  /// Where reports go, every `interval` batches; empty: nowhere.
  package var file: String
  package var interval: Int
  /// Where the trained network goes at the end; nil: nowhere.
  package var model: String?

  package init(_ options: FunctionOptions) throws {
    let shape = try options.integers("shape", in: 1...65_536) ?? [1, 28, 28]
    guard shape.count == 3 else {
      throw NFError(.badSettings, "trainer: shape must be channels, height and width")
    }
    format = try BatchFormat(
      samples: try options.integer("batch", in: 1...BatchFormat.sampleLimit) ?? 50,
      shape: ImageShape(channels: shape[0], height: shape[1], width: shape[2]),
      element: try options.word("element", SampleElement.allCases) ?? .uint8,
      label: try options.word("label", LabelElement.allCases) ?? .uint8)
    layers = try Self.layers(try options.strings("layers") ?? Self.paper)
    rule = .momentum(
      rate: Float(try options.number("rate", in: 1e-9...10) ?? 0.01),
      momentum: Float(try options.number("momentum", in: 0...0.999) ?? 0.5))
    seed = UInt64(try options.integer("seed", in: 0...Int.max) ?? 1)
    parts = try options.integer("parts", in: 1...ConvolutionTrainer.Options.partLimit) ?? 2
    deadline = UInt64(try options.integer("deadline_ms", in: 1...600_000) ?? 1_000) * 1_000_000
    objectLimit = try options.integer("objects", in: 1...65_536) ?? 16
    file = try options.string("file") ?? "training.jsonl"
    interval = try options.integer("interval", in: 1...1_000_000) ?? 100
    model = try options.string("model")
  }

  /// Two convolutions, dropout and two dense layers (Dhakal and Ramakrishnan, NetML, section IV-D).
  static let paper = [
    "conv 10 5", "pool", "relu", "conv 20 5", "channel-dropout 0.5", "pool", "relu", "dense 50", "relu",
    "dense 10",
  ]

  static func layers(_ texts: [String]) throws(NFError) -> [ConvolutionalLayer] {
    var layers: [ConvolutionalLayer] = []
    for text in texts {
      let words = text.split(separator: " ").map(String.init)
      let numbers = words.dropFirst().map { Double($0) }
      switch (words.first, numbers.count) {
      case ("conv", 2):
        guard let outputs = Int(words[1]), let kernel = Int(words[2]) else { throw wrong(text) }
        layers.append(.convolution(outputs: outputs, kernel: kernel))
      case ("dense", 1):
        guard let outputs = Int(words[1]) else { throw wrong(text) }
        layers.append(.dense(outputs: outputs))
      case ("pool", 0): layers.append(.maxPool)
      case ("relu", 0): layers.append(.relu)
      case ("dropout", 1):
        guard let part = numbers[0] else { throw wrong(text) }
        layers.append(.dropout(Float(part)))
      case ("channel-dropout", 1):
        guard let part = numbers[0] else { throw wrong(text) }
        layers.append(.channelDropout(Float(part)))
      default: throw wrong(text)
      }
    }
    return layers
  }

  private static func wrong(_ text: String) -> NFError {
    NFError(
      .badSettings, "trainer: \"\(text.prefix(60))\" is no layer",
      remedy: "such as: conv 10 5, pool, relu, channel-dropout 0.5, dropout 0.5, dense 10")
  }

  package var objectFormat: ObjectFormat {
    .trainingBatch(
      samples: format.samples, shape: [format.shape.channels, format.shape.height, format.shape.width],
      element: format.element == .uint8 ? .uint8 : .float32,
      label: format.label == .uint8 ? .uint8 : format.label == .int32 ? .int32 : .int64)
  }
}
