import MedullaSnapshot

/// The C of the entry: fixed-point features become activations.
struct FeatureCode {
  let shape: ProgramShape
  let layout: ImageLayout

  /// Features that are written out; more run in a loop.
  private static let unrolled = 64

  func write(into source: inout CSource) {
    source.function([
      "static __always_inline __s64 medulla_feature(const __s64 *w, __s64 feature)"
    ]) { source in
      source.line("__s64 t = feature - w[0];")
      source.line()
      source.line("/* Without sign, so that a difference beyond 64 bits is cut as well. */")
      source.line("if (__builtin_expect((__u64)t > (__u64)w[1], 0))")
      source.line("\tt = feature < w[0] ? 0 : w[1];")
      source.line("return (t * w[2] + w[3]) >> \(shape.featureShift);")
    }
    source.function([
      "static __always_inline void medulla_enter(const struct medulla_image *image, const __s64 *features,",
      "\t\t\t\t\t  __s64 *x)",
    ]) { source in
      source.line("const __s64 *w = image->words + \(layout.features.offset);")
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
      let advance = ["w += \(ImageLayout.featureWords)", "features++", "x++"]
      source.loop("i", shape.inputs, advance: advance) { source in
        source.line("MEDULLA_HOLD(w);")
        source.line("*x = medulla_feature(w, *features);")
      }
    }
  }
}
