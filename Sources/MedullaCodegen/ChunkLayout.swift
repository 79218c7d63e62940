import MedullaSnapshot

/// An image that is cut into several map values.
///
/// Chunk 0 has what is read from many places: tables, features, and the data of steps that do not sum. The
/// weights of each summing step lie in chunks of their own or share one with others, in whole rows of
/// accumulators, so that a program looks a chunk up once and then reads on.
package struct ChunkLayout: Hashable, Sendable {
  /// Channels of a step whose weights lie side by side in one chunk.
  package struct Part: Hashable, Sendable {
    package let step: Int
    package let chunk: Int
    /// Where the part begins in its chunk.
    package let offset: Int
    /// Where it begins in the whole image, and how many words it has.
    package let image: Range<Int>
    /// The first of its output channels.
    package let firstChannel: Int
    package let block: LinearBlock
  }

  /// 64-bit words of every chunk; the last of each may be unused.
  package let chunkWords: Int
  /// Words of chunk 0, in order: ranges of the whole image.
  package let common: [Range<Int>]
  package let parts: [Part]
  package let chunks: Int

  /// Where a section's common words lie in chunk 0.
  let commonOffsets: [Int: Int]

  /// - Throws: `beyondMemory` when chunk 0, or one row of accumulators, is larger than a chunk.
  package init(_ shape: ProgramShape, chunkWords: Int) throws(CodegenError) {
    let layout = ImageLayout(shape)
    var common: [Range<Int>] = []
    var offsets: [Int: Int] = [:]
    var used = 0
    func keep(_ range: Range<Int>) {
      guard !range.isEmpty else { return }
      offsets[range.lowerBound] = used
      common.append(range)
      used += range.count
    }
    for section in layout.tables + [layout.features] { keep(section.offset..<section.end) }
    for (step, section) in zip(shape.steps, layout.steps) {
      let clip = step.epilogue?.function == .clip ? ImageLayout.clipWords : 0
      keep(section.offset..<(step.block == nil ? section.end : section.offset + clip))
    }
    guard used <= chunkWords else {
      throw CodegenError(
        .beyondMemory, "tables and features alone take \(used) words, and a chunk holds \(chunkWords)",
        remedy: "Use larger chunks, or a slice of the network.")
    }
    var filler = Filler(chunkWords: chunkWords)
    for (index, step) in shape.steps.enumerated() {
      guard let block = step.block else { continue }
      let clip = step.epilogue?.function == .clip ? ImageLayout.clipWords : 0
      try filler.add(block, step: index, image: layout.steps[index].offset + clip)
    }
    self.chunkWords = chunkWords
    self.common = common
    parts = filler.parts
    chunks = filler.chunk + 1
    commonOffsets = offsets
  }

  /// The words of every chunk of an image, each `chunkWords` long.
  package func chunks(of image: [Int64]) -> [[Int64]] {
    var chunks = [[Int64]](repeating: [Int64](repeating: 0, count: chunkWords), count: chunks)
    var end = 0
    for range in common {
      chunks[0].replaceSubrange(end..<end + range.count, with: image[range])
      end += range.count
    }
    for part in parts {
      chunks[part.chunk].replaceSubrange(
        part.offset..<part.offset + part.image.count, with: image[part.image])
    }
    return chunks
  }

  /// Puts blocks into chunks, one after another.
  private struct Filler {
    let chunkWords: Int
    var parts: [Part] = []
    var chunk = 0
    var used: Int

    init(chunkWords: Int) {
      self.chunkWords = chunkWords
      // Weights begin in chunk 1.
      used = chunkWords
    }

    mutating func add(_ block: LinearBlock, step: Int, image: Int) throws(CodegenError) {
      if block.groups > 1 || block.words <= chunkWords {
        return try place(block, step: step, image: image, firstChannel: 0)
      }
      let channels = Packing.accumulators * block.packing.lanes
      let row = block.chunkWords(units: Packing.accumulators)
      let rows = max(chunkWords / row, 1)
      for first in stride(from: 0, to: block.channels, by: rows * channels) {
        let part = LinearBlock(
          channels: min(rows * channels, block.channels - first), terms: block.terms, groups: 1,
          packing: block.packing)
        try place(part, step: step, image: image + first / channels * row, firstChannel: first)
      }
    }

    private mutating func place(
      _ block: LinearBlock, step: Int, image: Int, firstChannel: Int
    ) throws(CodegenError) {
      guard block.words <= chunkWords else {
        throw CodegenError(
          .beyondMemory,
          "step \(step) has \(block.words) words that belong together, and a chunk holds \(chunkWords)",
          remedy: "Use larger chunks, or a slice of the network.")
      }
      if block.words > chunkWords - used {
        chunk += 1
        used = 0
      }
      parts.append(
        Part(
          step: step, chunk: chunk, offset: used, image: image..<image + block.words,
          firstChannel: firstChannel, block: block))
      used += block.words
    }
  }
}
