import MedullaSnapshot

/// The C of the entry: fixed-point features become activations.
struct FeatureCode {
  let shape: ProgramShape
  let places: WeightPlaces

  /// Features that are written out; more run in a loop.
  private static let unrolled = 8

  func write(into source: inout CSource) {
    source.function([
      "static __always_inline __s64 medulla_feature(\(CType.words)w, __s64 feature)"
    ]) { source in
      source.line("__s64 t = feature - \(CType.weight("w", 0));")
      source.line()
      source.line("/* Without sign, so that a difference beyond 64 bits is cut as well. */")
      source.line("if (__builtin_expect((__u64)t > (__u64)\(CType.weight("w", 1)), 0))")
      source.line("\tt = feature < \(CType.weight("w", 0)) ? 0 : \(CType.weight("w", 1));")
      source.line(
        "return (t * \(CType.weight("w", 2)) + \(CType.weight("w", 3))) >> \(shape.featureShift);")
    }
    source.function([
      "static __always_inline void medulla_enter(\(CType.image)image,",
      "\t\t\t\t\t  \(CType.words)features, \(CType.results)x)",
    ]) { source in
      source.line("\(CType.words)w = \(CType.weights("image", places.features));")
      source.line()
      guard shape.inputs > Self.unrolled else {
        for feature in 0..<shape.inputs {
          source.line(
            "x[\(feature)] = medulla_feature(w + \(feature * ImageLayout.featureWords), "
              + "features[\(feature)]);"
          )
        }
        return
      }
      let moved = [
        CSource.Captured(type: CType.words, name: "w", step: ImageLayout.featureWords),
        CSource.Captured(type: CType.words, name: "features", step: 1),
        CSource.Captured(type: CType.results, name: "x", step: 1),
      ]
      source.loop("i", shape.inputs, over: moved) { source in
        source.line("MEDULLA_HOLD(w);")
        source.line("*x = medulla_feature(w, *features);")
      }
    }
  }
}
