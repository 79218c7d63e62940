import MedullaSnapshot

/// The C of one dense step, or of the channels of one whose weights lie together.
struct DenseCode {
  let step: DenseStep
  let code: LinearCode
  let part: WeightPlaces.Part

  init(_ step: DenseStep, index: Int, part: WeightPlaces.Part) {
    self.step = step
    self.part = part
    code = LinearCode(block: part.block, index: index, channelStride: 1)
  }

  func write(into source: inout CSource) {
    let block = code.block
    source.line("/* dense \(step.inputs) to \(block.channels), \(step.packing.rawValue) */")
    source.function(code.head(part)) { source in
      code.begin(part, into: &source)
      source.line()
      let full = Packing.accumulators
      if block.fullChunks > 0 {
        let moved = code.captured(words: block.chunkWords(units: full), results: full * block.packing.lanes)
        let last =
          block.remainder == 0
          ? block.channels - (block.fullChunks - 1) * full * code.lanes : full * code.lanes
        // A chunk whose last lanes are empty is written apart.
        let whole = last == full * code.lanes ? block.fullChunks : block.fullChunks - 1
        if whole > 0 {
          source.loop("chunk", whole, over: moved) { source in
            source.line("MEDULLA_HOLD(w);")
            chunk(units: full, channels: full * code.lanes, into: &source)
          }
          if whole == 1, whole < block.fullChunks || block.remainder > 0 {
            source.lines(moved.filter { $0.step > 0 }.map { $0.move + ";" })
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
    source.lines(code.declarations)
    code.start(units: units, into: &source)
    source.line()
    guard step.inputs > LinearCode.denseUnrolledTerms else {
      for term in 0..<step.inputs {
        code.term("x[\(term)]", weights: "w", at: first + term * units, units: units, into: &source)
      }
      finish(
        units: units, channels: channels, multipliers: "w", at: first + step.inputs * units, into: &source)
      return
    }
    let turn = LinearCode.denseTurn(step.inputs)
    let rest = step.inputs % turn
    source.line("\(CType.words)t = w + \(first);")
    source.line("\(CType.words)p = x;")
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
    finish(units: units, channels: channels, multipliers: "t", at: rest * units, into: &source)
  }

  private func finish(
    units: Int, channels: Int, multipliers: String, at word: Int, into source: inout CSource
  ) {
    let whole = min(units, channels / code.lanes)
    let rolls = whole > 1
    if rolls {
      code.finishInTurns(whole, of: units, multipliers: multipliers, at: word, into: &source)
    }
    code.finish(
      from: rolls ? whole : 0, units: units, channels: channels, output: "y", multipliers: multipliers,
      at: word, into: &source)
  }
}
