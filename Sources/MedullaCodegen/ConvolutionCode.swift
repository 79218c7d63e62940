import MedullaSnapshot

/// The C of one convolution: for each chunk of channels, every position, without a patch matrix.
struct ConvolutionCode {
  let step: ConvolutionStep
  let code: LinearCode
  let weightsOffset: Int

  init(_ step: ConvolutionStep, index: Int, layout: ImageLayout) {
    self.step = step
    code = LinearCode(
      block: LinearBlock(step), index: index, channelStride: step.outputHeight * step.outputWidth)
    let clip = step.epilogue.function == .clip ? ImageLayout.clipWords : 0
    weightsOffset = layout.steps[index].offset + clip
  }

  func write(into source: inout CSource) {
    let kernel = "\(step.kernel.height)x\(step.kernel.width)"
    source.line(
      "/* convolution \(kernel), \(step.inputChannels) to \(step.outputChannels) channels, "
        + "\(step.packing.rawValue) */")
    source.function([
      "static __always_inline void medulla_step\(code.index)(const struct medulla_image *image,",
      "\t\t\t\t\t     const __s64 *x, __s64 *y)",
    ]) { source in
      source.line("const __s64 *w = image->words + \(weightsOffset);")
      source.line()
      let positions = step.outputHeight * step.outputWidth
      let inputs = step.inputChannels / step.groups * step.height * step.width
      source.loop("group", step.groups, advance: ["x += \(inputs)"]) { source in
        source.line("MEDULLA_HOLD(w);")
        for part in parts {
          let words = code.block.chunkWords(units: part.units)
          source.loop("chunk", part.count, advance: ["w += \(words)", "y += \(part.channels * positions)"]) {
            source in
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
    source.line("const __s64 *top = x;")
    source.line("__s64 *to = y;")
    source.line()
    source.loop("row", step.outputHeight, advance: ["top += \(step.strides.height * step.width)"]) { source in
      source.line("const __s64 *at = top;")
      source.line()
      source.line("MEDULLA_HOLD(at);")
      source.loop("column", step.outputWidth, advance: ["at += \(step.strides.width)", "to++"]) { source in
        source.line("MEDULLA_HOLD(at);")
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
            code.term("at[\(offset)]", weights: "w", at: first + term * units, units: units, into: &source)
            term += 1
          }
        }
      }
      code.finish(
        units: units, channels: channels, output: "to", multipliers: "w", at: first + step.fanIn * units,
        into: &source)
      return
    }
    source.line("const __s64 *t = w + \(first);")
    source.line("const __s64 *plane = at;")
    source.line()
    let plane = ["plane += \(step.height * step.width)"]
    source.loop("channel", step.inputChannels / step.groups, advance: plane) { source in
      source.line("const __s64 *line = plane;")
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
