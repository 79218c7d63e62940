import MedullaSnapshot

/// The C of padding and pooling.
struct WindowCode {
  let index: Int

  func write(_ step: PadStep, into source: inout CSource) {
    source.line("/* padding to \(step.outputHeight)x\(step.outputWidth) */")
    let padding = step.padding
    source.function(Self.head(index)) { source in
      source.loop("i", step.channels * step.outputHeight * step.outputWidth) { $0.line("y[i] = 0;") }
      source.line("y += \(padding.top * step.outputWidth + padding.left);")
      let gap = (padding.top + padding.bottom) * step.outputWidth
      let moved = [
        CSource.Captured(
          type: CType.words, name: "x", step: step.height * step.width, isMovedByBody: true),
        CSource.Captured(
          type: CType.results, name: "y", step: step.outputHeight * step.outputWidth, isMovedByBody: true),
      ]
      source.loop("channel", step.channels, over: moved) { source in
        source.loop("row", step.height, advance: ["x += \(step.width)", "y += \(step.outputWidth)"]) {
          source in
          source.line("MEDULLA_HOLD(x);")
          source.line("MEDULLA_HOLD(y);")
          source.loop("column", step.width) {
            $0.line(step.width == 1 ? "y[0] = x[0];" : "y[column] = x[column];")
          }
        }
        if step.height == 1 {
          source.line("x += \(step.width);")
          source.line("y += \(step.outputWidth);")
        }
        if gap > 0 { source.line("y += \(gap);") }
      }
    }
  }

  func write(_ step: PoolStep, into source: inout CSource) {
    source.line("/* \(step.kind.rawValue) over \(step.kernel.height)x\(step.kernel.width) */")
    source.function(Self.head(index)) { source in
      let outputs = step.outputHeight * step.outputWidth
      let moved = [
        CSource.Captured(type: CType.words, name: "x", step: step.height * step.width),
        CSource.Captured(type: CType.results, name: "y", step: outputs, isMovedByBody: true),
      ]
      source.loop("channel", step.channels, over: moved) { source in
        source.line("MEDULLA_HOLD(x);")
        source.loop("row", step.outputHeight) { source in
          bounds(
            "row", step.strides.height, step.padding.top, step.kernel.height, step.height,
            one: step.outputHeight == 1,
            names: ("top", "bottom"), into: &source)
          source.loop("column", step.outputWidth, advance: ["y++"]) { source in
            bounds(
              "column", step.strides.width, step.padding.left, step.kernel.width, step.width,
              one: step.outputWidth == 1, names: ("left", "right"), into: &source)
            source.line("MEDULLA_HOLD(y);")
            window(step, into: &source)
          }
          if step.outputWidth == 1 { source.line("y++;") }
        }
      }
    }
  }

  static func head(_ index: Int) -> [String] {
    [
      "static __always_inline void medulla_step\(index)(\(CType.image)image,",
      "\t\t\t\t\t     \(CType.words)x, \(CType.results)y)",
    ]
  }

  /// The part of a window inside the input along one axis.
  private func bounds(
    _ counter: String, _ stride: Int, _ padding: Int, _ kernel: Int, _ length: Int, one: Bool,
    names: (String, String), into source: inout CSource
  ) {
    let start = one ? "0" : "(__s32)\(counter) * \(stride)"
    source.line("__s32 \(names.0) = \(start) - \(padding);")
    source.line("__s32 \(names.1) = \(names.0) + \(kernel);")
    source.line()
    source.line("if (\(names.0) < 0)")
    source.line("\t\(names.0) = 0;")
    source.line("if (\(names.1) > \(length))")
    source.line("\t\(names.1) = \(length);")
  }

  private func window(_ step: PoolStep, into source: inout CSource) {
    let isMaximum = step.kind == .maximum
    source.line(isMaximum ? "__s64 best = -0x7fffffffffffffffLL - 1;" : "__s64 sum = 0;")
    source.line()
    source.walk("i", from: "top", to: "bottom") { source in
      source.walk("j", from: "left", to: "right") { source in
        source.line("/* Always inside; said again for the verifier. */")
        source.line("__u32 at = (__u32)(i * \(step.width) + j);")
        source.line()
        source.line("if (at >= \(step.height * step.width))")
        source.line("\tbreak;")
        if isMaximum {
          source.line("if (x[at] > best)")
          source.line("\tbest = x[at];")
        } else {
          source.line("sum += x[at];")
        }
      }
    }
    if isMaximum {
      source.line("*y = best;")
      return
    }
    let count =
      step.kind == .average
      ? "(__u64)((bottom - top) * (right - left))" : "\(step.kernel.height * step.kernel.width)ULL"
    source.line("__u64 n = \(count);")
    source.line()
    let offset = PoolStep.averageOffset
    source.line(
      "/* Unsigned, for which there is a division on every kernel: the offset keeps it positive. */")
    source.line(
      "*y = (__s64)((__u64)(sum + (__s64)(n / 2 + n * \(offset)ULL)) / n) - \(offset)LL;"
    )
  }
}
