import MedullaSnapshot

/// The C of steps over single elements or whole vectors: map, gather, softmax, argmax.
struct ElementCode {
  let index: Int
  let places: WeightPlaces

  /// Elements that are written out; a gather beyond reads its indices from a constant array.
  private static let unrolled = 256

  func write(_ step: MapStep, into source: inout CSource) {
    let clip = step.epilogue.function == .clip ? ImageLayout.clipWords : 0
    source.line("/* a function of each of \(step.count) elements */")
    source.function(WindowCode.head(index)) { source in
      source.line("\(CType.words)w = \(CType.weights("image", places.common(of: index) + clip));")
      source.line("__s64 bias = \(CType.weight("w", 0));")
      source.line("__s64 multiplier = \(CType.weight("w", 1));")
      source.line()
      let moved = [
        CSource.Captured(type: CType.image, name: "image"),
        CSource.Captured(type: "__s64 ", name: "bias"),
        CSource.Captured(type: "__s64 ", name: "multiplier"),
        CSource.Captured(type: CType.words, name: "x", step: 1),
        CSource.Captured(type: CType.results, name: "y", step: 1),
      ]
      source.loop("i", step.count, over: moved) { source in
        source.line("MEDULLA_HOLD(x);")
        source.line("MEDULLA_HOLD(y);")
        source.line("*y = medulla_finish\(index)(image, *x + bias, multiplier);")
      }
    }
  }

  func write(_ step: GatherStep, into source: inout CSource) {
    source.line("/* \(step.indices.count) of \(step.inputs) elements */")
    guard step.indices.count > Self.unrolled else {
      source.function(WindowCode.head(index)) { source in
        for (to, from) in step.indices.enumerated() { source.line("y[\(to)] = x[\(from)];") }
      }
      return
    }
    source.block("static const __u32 medulla_indices\(index)[\(step.indices.count)] =") { source in
      for start in stride(from: 0, to: step.indices.count, by: 12) {
        let row = step.indices[start..<min(start + 12, step.indices.count)]
        source.line(row.map { "\($0)," }.joined(separator: " "))
      }
    }
    source.line(";")
    source.function(WindowCode.head(index)) { source in
      source.loop("i", step.indices.count, advance: ["y++"]) { source in
        source.line("MEDULLA_HOLD(y);")
        source.line("__u32 from = medulla_indices\(index)[i];")
        source.line()
        source.line("/* Always inside; said again for the verifier. */")
        source.line("*y = from < \(step.inputs) ? x[from] : 0;")
      }
    }
  }

  func write(_ step: SoftmaxStep, into source: inout CSource) {
    source.line("/* softmax over \(step.rows) rows of \(step.length) */")
    source.function(WindowCode.head(index)) { source in
      let multiplier = CType.weight(CType.weights("image", places.common(of: index)), 0)
      source.line("__s64 multiplier = \(multiplier);")
      source.line()
      let advance = ["x += \(step.length)", "y += \(step.length)"]
      source.loop("row", step.rows, advance: advance) { source in
        source.line("MEDULLA_HOLD(x);")
        source.line("MEDULLA_HOLD(y);")
        source.line("__s64 peak = x[0];")
        source.line("__u64 sum = 0;")
        source.line()
        source.loop("i", step.length) { source in
          source.line("if (x[\(counter("i", step.length))] > peak)")
          source.line("\tpeak = x[\(counter("i", step.length))];")
        }
        source.loop("j", step.length) { source in
          let element = counter("j", step.length)
          source.line(
            "__s64 e = medulla_table\(step.table)(image, ((peak - x[\(element)]) * multiplier) >> "
              + "\(step.shift));"
          )
          source.line()
          source.line("y[\(element)] = e;")
          source.line("sum += (__u64)e;")
        }
        source.line("/* Never 0: the peak's own term is 1. Said again for the verifier. */")
        source.line("if (sum == 0)")
        source.line("\tsum = 1;")
        source.loop("k", step.length) { source in
          let element = counter("k", step.length)
          source.line("y[\(element)] = (__s64)(((__u64)y[\(element)] * \(step.unit)ULL + sum / 2) / sum);")
        }
      }
    }
  }

  func write(_ step: ArgmaxStep, into source: inout CSource) {
    source.line("/* the place of the largest of \(step.inputs) */")
    source.function(WindowCode.head(index)) { source in
      source.line("__s64 best = x[0];")
      source.line("__s64 place = 0;")
      source.line()
      source.loop("i", step.inputs) { source in
        let element = counter("i", step.inputs)
        source.block("if (x[\(element)] > best)") { source in
          source.line("best = x[\(element)];")
          source.line("place = \(element);")
        }
      }
      source.line("y[0] = place * \(step.unit)LL;")
    }
  }

  /// A loop of one turn has no counter.
  private func counter(_ name: String, _ count: Int) -> String { count == 1 ? "0" : name }
}
