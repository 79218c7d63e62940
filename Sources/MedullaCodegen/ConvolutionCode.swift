import MedullaSnapshot

/// The C of one convolution, or of the channels of one whose weights lie together: for each chunk of
/// channels, every position, without a patch matrix.
struct ConvolutionCode {
  let step: ConvolutionStep
  let code: LinearCode
  let part: WeightPlaces.Part

  init(_ step: ConvolutionStep, index: Int, part: WeightPlaces.Part) {
    self.step = step
    self.part = part
    code = LinearCode(
      block: part.block, index: index, channelStride: step.outputHeight * step.outputWidth)
  }

  func write(into source: inout CSource) {
    let kernel = "\(step.kernel.height)x\(step.kernel.width)"
    source.line(
      "/* convolution \(kernel), \(step.inputChannels) to \(code.block.channels * code.block.groups) "
        + "channels, \(step.packing.rawValue) */")
    source.function(code.head(part)) { source in
      code.begin(part, into: &source)
      source.line()
      let positions = step.outputHeight * step.outputWidth
      let inputs = step.inputChannels / step.groups * step.height * step.width
      source.loop("group", step.groups, advance: ["x += \(inputs)"]) { source in
        source.line("MEDULLA_HOLD(w);")
        for part in parts {
          let words = code.block.chunkWords(units: part.units)
          let moved = code.captured(words: words, results: part.channels * positions)
          source.loop("chunk", part.count, over: moved) { source in
            source.line("MEDULLA_HOLD(w);")
            rows(units: part.units, channels: part.channels, into: &source)
          }
          if part.count == 1 {
            source.line("w += \(words);")
            source.line("y += \(part.channels * positions);")
          }
        }
      }
    }
  }

  /// Chunks of one group that look alike: full ones, then ones whose last lanes or units are missing.
  private var parts: [(count: Int, units: Int, channels: Int)] {
    let lanes = code.lanes
    let full = Packing.accumulators
    let whole = code.block.channels / (full * lanes)
    let rest = code.block.channels - whole * full * lanes
    return (whole > 0 ? [(whole, full, full * lanes)] : [])
      + (rest > 0 ? [(1, (rest + lanes - 1) / lanes, rest)] : [])
  }

  private func rows(units: Int, channels: Int, into source: inout CSource) {
    source.line("\(CType.words)top = x;")
    source.line("\(CType.results)to = y;")
    source.line()
    let moved = [
      CSource.Captured(type: CType.image, name: "image"),
      CSource.Captured(type: CType.words, name: "w"),
      CSource.Captured(type: CType.words, name: "top", step: step.strides.height * step.width),
      CSource.Captured(type: CType.results, name: "to", step: step.outputWidth, isMovedByBody: true),
    ]
    source.loop("row", step.outputHeight, over: moved) { source in
      source.line("\(CType.words)from = top;")
      source.line()
      source.line("MEDULLA_HOLD(from);")
      source.loop("column", step.outputWidth, advance: ["from += \(step.strides.width)", "to++"]) { source in
        source.line("MEDULLA_HOLD(from);")
        source.line("MEDULLA_HOLD(to);")
        position(units: units, channels: channels, into: &source)
      }
      if step.outputWidth == 1 { source.line("to++;") }
    }
  }

  private func position(units: Int, channels: Int, into source: inout CSource) {
    let first = code.firstWeight(units: units)
    source.lines(code.declarations)
    code.start(units: units, into: &source)
    let kernel = step.kernel
    if step.fanIn <= LinearCode.unrolledTerms {
      var term = 0
      for channel in 0..<step.inputChannels / step.groups {
        for ky in 0..<kernel.height {
          for kx in 0..<kernel.width {
            let offset =
              (channel * step.height + ky * step.dilations.height) * step.width + kx * step.dilations.width
            code.term("from[\(offset)]", weights: "w", at: first + term * units, units: units, into: &source)
            term += 1
          }
        }
      }
      code.finish(
        units: units, channels: channels, output: "to", multipliers: "w", at: first + step.fanIn * units,
        into: &source)
      return
    }
    source.line("\(CType.words)t = w + \(first);")
    source.line("\(CType.words)plane = from;")
    source.line()
    let plane = ["plane += \(step.height * step.width)"]
    source.loop("channel", step.inputChannels / step.groups, advance: plane) { source in
      source.line("\(CType.words)line = plane;")
      source.line()
      let line = ["line += \(step.dilations.height * step.width)", "t += \(kernel.width * units)"]
      source.loop("ky", kernel.height, advance: line) { source in
        source.line("MEDULLA_HOLD(line);")
        source.line("MEDULLA_HOLD(t);")
        for kx in 0..<kernel.width {
          code.term(
            "line[\(kx * step.dilations.width)]", weights: "t", at: kx * units, units: units, into: &source)
        }
      }
      if kernel.height == 1 { source.line("t += \(kernel.width * units);") }
    }
    code.finish(units: units, channels: channels, output: "to", multipliers: "t", at: 0, into: &source)
  }
}
