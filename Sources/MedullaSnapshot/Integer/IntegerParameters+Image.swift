extension IntegerParameters {
  /// The words that go into a slot, byte for byte (little-endian).
  ///
  /// The parameters must fit the shape; `Snapshot` checks that first.
  func image(for shape: ProgramShape) -> [Int64] {
    var words: [Int64] = []
    words.reserveCapacity(ImageLayout(shape).words)
    for (table, lines) in zip(shape.tables, tables) { words += table.held(lines).map(\.word) }
    for feature in features { words += [feature.low, feature.width, feature.multiplier, feature.bias] }
    for (step, data) in zip(shape.steps, steps) {
      switch (step, data) {
      case (.dense(let dense), .linear(let linear)):
        words += Self.bounds(linear.clip) + LinearBlock(dense).pack(linear)
      case (.convolution(let convolution), .linear(let linear)):
        words += Self.bounds(linear.clip) + LinearBlock(convolution).pack(linear)
      case (.map, .map(let map)):
        words += Self.bounds(map.clip) + [map.bias, map.multiplier]
      case (.softmax, .softmax(let multiplier)): words.append(multiplier)
      default: break
      }
    }
    return words
  }

  /// Reads an image of a checked shape.
  ///
  /// - Throws: `malformedFile` when the image has another size or a clip's bounds are crossed.
  init(image: [Int64], shape: ProgramShape) throws(SnapshotError) {
    let layout = ImageLayout(shape)
    guard image.count == layout.words else {
      throw SnapshotError(
        .malformedFile, "the image has \(image.count) words and its shape needs \(layout.words)")
    }
    tables = zip(shape.tables, layout.tables).map { table, section in
      table.whole(image[section.offset..<section.end].map(TableEntry.init(word:)))
    }
    features = (0..<shape.inputs).map { index in
      let word = layout.features.offset + index * ImageLayout.featureWords
      return FeatureScaling(
        low: image[word], width: image[word + 1], multiplier: image[word + 2], bias: image[word + 3])
    }
    var steps: [StepParameters] = []
    for (step, section) in zip(shape.steps, layout.steps) {
      var words = image[section.offset..<section.end]
      var clip: ClosedRange<Int64>?
      if step.epilogue?.function == .clip {
        let low = words.removeFirst()
        let high = words.removeFirst()
        guard low <= high else {
          throw SnapshotError(.malformedFile, "\(section.name) clips to \(low)…\(high)")
        }
        clip = low...high
      }
      switch step {
      case .dense(let dense): steps.append(.linear(LinearBlock(dense).unpack(words, clip: clip)))
      case .convolution(let convolution):
        steps.append(.linear(LinearBlock(convolution).unpack(words, clip: clip)))
      case .map:
        steps.append(
          .map(
            MapParameters(bias: words[words.startIndex], multiplier: words[words.startIndex + 1], clip: clip))
        )
      case .softmax: steps.append(.softmax(multiplier: words[words.startIndex]))
      case .pad, .pool, .gather, .argmax: steps.append(.none)
      }
    }
    self.steps = steps
  }

  private static func bounds(_ clip: ClosedRange<Int64>?) -> [Int64] {
    clip.map { [$0.lowerBound, $0.upperBound] } ?? []
  }
}
