import MedullaSnapshot

/// Where a program finds the data of its shape.
struct WeightPlaces {
  /// Channels of a summing step whose weights lie together.
  struct Part {
    let block: LinearBlock
    /// The map value that holds them; `nil` when it is the image itself.
    let chunk: Int?
    /// Words before them.
    let offset: Int
    let firstChannel: Int
  }

  /// Words of one image, or of each map value that holds a part of one.
  let words: Int
  private let layout: ImageLayout
  private let chunks: ChunkLayout?
  private let blocks: [LinearBlock?]
  private let clips: [Int]

  /// - Throws: `beyondMemory` when the image cannot be cut into the options' chunks.
  init(_ shape: ProgramShape, _ options: ProgramOptions) throws(CodegenError) {
    layout = ImageLayout(shape)
    chunks = options.weights == .mapChunks ? try ChunkLayout(shape, chunkWords: options.chunkWords) : nil
    words = chunks?.chunkWords ?? layout.words
    blocks = shape.steps.map(\.block)
    clips = shape.steps.map { $0.epilogue?.function == .clip ? ImageLayout.clipWords : 0 }
  }

  func table(_ index: Int) -> Int { common(layout.tables[index].offset) }

  var features: Int { common(layout.features.offset) }

  /// The data of a step that is no weights: bounds, or all of a step that does not sum.
  func common(of step: Int) -> Int { common(layout.steps[step].offset) }

  func parts(of step: Int) -> [Part] {
    if let chunks {
      return chunks.parts.filter { $0.step == step }.map {
        Part(block: $0.block, chunk: $0.chunk, offset: $0.offset, firstChannel: $0.firstChannel)
      }
    }
    guard let block = blocks[step] else { return [] }
    return [
      Part(block: block, chunk: nil, offset: layout.steps[step].offset + clips[step], firstChannel: 0)
    ]
  }

  private func common(_ offset: Int) -> Int { chunks.map { $0.commonOffsets[offset] ?? 0 } ?? offset }
}
