import MedullaSnapshot

/// The C that takes a block's words apart into arrays.
struct NativeUnpacking {
  let block: LinearBlock
  let index: Int
  let type: String

  func write(from offset: Int, into source: inout CSource) {
    let lanes = block.packing.lanes
    source.block("") { source in
      source.line("const __s64 *w = image->words + \(offset);")
      source.line()
      source.block("for (int group = 0; group < \(block.groups); group++)") { source in
        let chunk = Packing.accumulators
        source.block("for (int first = 0; first < \(block.units); first += \(chunk))") { source in
          source.line("int units = \(block.units) - first < \(chunk) ? \(block.units) - first : \(chunk);")
          source.line()
          if block.packing != .triple { words("bias", terms: "1", lanes: lanes, into: &source) }
          words("weights", terms: "\(block.terms)", lanes: lanes, into: &source)
          if block.packing == .triple { plain("bias", lanes: lanes, into: &source) }
          plain("multiplier", lanes: lanes, into: &source)
        }
      }
    }
  }

  /// Packed words: the lowest lane is sign-extended and taken off, and so on.
  private func words(_ name: String, terms: String, lanes: Int, into source: inout CSource) {
    source.block("for (int term = 0; term < \(terms); term++)") { source in
      source.block("for (int unit = first; unit < first + units; unit++)") { source in
        source.line("__s64 word = *w++;")
        source.line()
        source.block("for (int lane = 0; lane < \(lanes); lane++)") { source in
          source.line("int channel = unit * \(lanes) + lane;")
          if lanes == 1 {
            source.line("__s64 value = word;")
          } else {
            let unused = 64 - block.packing.laneBits
            source.line("__s64 value = lane == \(lanes - 1) ? word :")
            source.line("\t(__s64)((__u64)word << \(unused)) >> \(unused);")
          }
          source.line()
          if lanes > 1 { source.line("word = (word - value) >> \(block.packing.laneBits);") }
          let place = "medulla_\(name)\(index)[group * \(block.channels) + channel]"
          source.line("if (channel < \(block.channels))")
          source.line(name == "weights" ? "\t\(place)[term] = (\(type))value;" : "\t\(place) = value;")
        }
      }
    }
  }

  private func plain(_ name: String, lanes: Int, into source: inout CSource) {
    source.block("for (int channel = first * \(lanes); channel < (first + units) * \(lanes); channel++, w++)")
    {
      source in
      source.line("if (channel < \(block.channels))")
      source.line("\tmedulla_\(name)\(index)[group * \(block.channels) + channel] = *w;")
    }
  }
}
