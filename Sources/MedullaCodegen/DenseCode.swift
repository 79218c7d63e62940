import MedullaSnapshot

/// The C of one dense step.
struct DenseCode {
  let step: DenseStep
  let code: LinearCode
  let weightsOffset: Int

  init(_ step: DenseStep, index: Int, layout: ImageLayout) {
    self.step = step
    code = LinearCode(block: LinearBlock(step), index: index, channelStride: 1)
    let clip = step.epilogue.function == .clip ? ImageLayout.clipWords : 0
    weightsOffset = layout.steps[index].offset + clip
  }

  func write(into source: inout CSource) {
    let block = code.block
    source.line("/* dense \(step.inputs) to \(step.outputs), \(step.packing.rawValue) */")
    source.function([
      "static __always_inline void medulla_step\(code.index)(const struct medulla_image *image,",
      "\t\t\t\t\t     const __s64 *x, __s64 *y)",
    ]) { source in
      source.line("const __s64 *w = image->words + \(weightsOffset);")
      source.lines(code.declarations)
      source.line()
      let full = Packing.accumulators
      if block.fullChunks > 0 {
        let advance = ["w += \(block.chunkWords(units: full))", "y += \(full * block.packing.lanes)"]
        let last =
          block.remainder == 0
          ? block.channels - (block.fullChunks - 1) * full * code.lanes : full * code.lanes
        // A chunk whose last lanes are empty is written apart.
        let whole = last == full * code.lanes ? block.fullChunks : block.fullChunks - 1
        if whole > 0 {
          source.loop("chunk", whole, advance: advance) { source in
            source.line("MEDULLA_HOLD(w);")
            chunk(units: full, channels: full * code.lanes, into: &source)
          }
          if whole == 1, whole < block.fullChunks || block.remainder > 0 {
            source.lines(advance.map { $0 + ";" })
          }
        }
        if whole < block.fullChunks {
          source.block("") { chunk(units: full, channels: last, into: &$0) }
        }
      }
      if block.remainder > 0 {
        let channels = block.channels - block.fullChunks * full * code.lanes
        source.block("") { chunk(units: block.remainder, channels: channels, into: &$0) }
      }
    }
  }

  private func chunk(units: Int, channels: Int, into source: inout CSource) {
    let first = code.firstWeight(units: units)
    code.start(units: units, into: &source)
    source.line()
    guard step.inputs > LinearCode.unrolledTerms else {
      for term in 0..<step.inputs {
        code.term("x[\(term)]", weights: "w", at: first + term * units, units: units, into: &source)
      }
      code.finish(
        units: units, channels: channels, output: "y", multipliers: "w", at: first + step.inputs * units,
        into: &source)
      return
    }
    let turn = LinearCode.termsPerTurn
    let rest = step.inputs % turn
    source.line("const __s64 *t = w + \(first);")
    source.line("const __s64 *p = x;")
    source.loop("turn", step.inputs / turn, advance: ["t += \(turn * units)", "p += \(turn)"]) { source in
      source.line("MEDULLA_HOLD(t);")
      source.line("MEDULLA_HOLD(p);")
      for term in 0..<turn {
        code.term("p[\(term)]", weights: "t", at: term * units, units: units, into: &source)
      }
    }
    for term in 0..<rest {
      code.term("p[\(term)]", weights: "t", at: term * units, units: units, into: &source)
    }
    code.finish(
      units: units, channels: channels, output: "y", multipliers: "t", at: rest * units, into: &source)
  }
}
