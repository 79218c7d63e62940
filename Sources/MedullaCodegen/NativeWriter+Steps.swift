import MedullaSnapshot

extension NativeWriter {
  mutating func write(_ step: Step, _ index: Int) {
    let from = Self.type(tensor: index, shape: shape)
    let to = Self.type(tensor: index + 1, shape: shape)
    if let epilogue = step.epilogue { writeFinish(epilogue, index) }
    let head =
      "static void medulla_step\(index)(const struct medulla_image *image, const \(from) *x, \(to) *y)"
    let layout = layout
    source.function([head]) { source in
      switch step {
      case .dense(let dense): Self.dense(dense, index, into: &source)
      case .convolution(let convolution): Self.convolution(convolution, index, into: &source)
      case .map(let map):
        let clip = map.epilogue.function == .clip ? ImageLayout.clipWords : 0
        let word = layout.steps[index].offset + clip
        source.line("for (int i = 0; i < \(map.count); i++)")
        source.line(
          "\ty[i] = medulla_finish\(index)(image, x[i] + image->words[\(word)], image->words[\(word + 1)]);")
      case .gather(let gather):
        for (to, from) in gather.indices.enumerated() { source.line("y[\(to)] = x[\(from)];") }
      case .pad(let pad): Self.pad(pad, into: &source)
      case .pool(let pool): Self.pool(pool, into: &source)
      case .softmax(let softmax):
        Self.softmax(softmax, word: layout.steps[index].offset, into: &source)
      case .argmax(let argmax):
        source.line("int best = 0;")
        source.line()
        source.block("for (int i = 1; i < \(argmax.inputs); i++)") { source in
          source.line("if (x[i] > x[best])")
          source.line("\tbest = i;")
        }
        source.line("y[0] = best * \(argmax.unit)LL;")
      }
    }
  }

  private mutating func writeFinish(_ epilogue: Epilogue, _ index: Int) {
    let layout = layout
    let head =
      "static inline int64_t medulla_finish\(index)(const struct medulla_image *image, int64_t sum, "
      + "int64_t multiplier)"
    source.function([head]) { source in
      source.line("int64_t v = (sum * multiplier) >> \(epilogue.shift);")
      source.line()
      switch epilogue.function {
      case .identity: source.line("return v;")
      case .clamp(let low, let high):
        source.line("return v < \(low)LL ? \(low)LL : v > \(high)LL ? \(high)LL : v;")
      case .clip:
        let word = layout.steps[index].offset
        source.line("int64_t low = image->words[\(word)], high = image->words[\(word + 1)];")
        source.line()
        source.line("return v < low ? low : v > high ? high : v;")
      case .leaky(let multiplier, let shift, let limit):
        source.line("if (v < 0)")
        source.line("\tv = (v * \(multiplier)LL + \(Int64(1) << Int64(shift - 1))LL) >> \(shift);")
        source.line("return v < -\(limit)LL ? -\(limit)LL : v > \(limit)LL ? \(limit)LL : v;")
      case .table(let table): source.line("return medulla_table\(table)(v);")
      }
    }
  }

  /// A sum that is proven for a 32-bit lane needs no wider type here either.
  private static func sumType(_ packing: Packing) -> String { packing == .pair ? "int32_t" : "int64_t" }

  private static func dense(_ step: DenseStep, _ index: Int, into source: inout CSource) {
    source.block("for (int o = 0; o < \(step.outputs); o++)") { source in
      source.line("\(sumType(step.packing)) sum = medulla_bias\(index)[o];")
      source.line()
      source.line("for (int i = 0; i < \(step.inputs); i++)")
      source.line("\tsum += (\(sumType(step.packing)))medulla_weights\(index)[o][i] * x[i];")
      source.line("y[o] = medulla_finish\(index)(image, sum, medulla_multiplier\(index)[o]);")
    }
  }

  private static func convolution(_ step: ConvolutionStep, _ index: Int, into source: inout CSource) {
    let channelsIn = step.inputChannels / step.groups
    let channelsOut = step.outputChannels / step.groups
    let type = sumType(step.packing)
    source.block("for (int o = 0; o < \(step.outputChannels); o++)") { source in
      source.block("for (int row = 0; row < \(step.outputHeight); row++)") { source in
        source.block("for (int column = 0; column < \(step.outputWidth); column++)") { source in
          source.line("\(type) sum = medulla_bias\(index)[o];")
          source.line()
          source.block("for (int c = 0; c < \(channelsIn); c++)") { source in
            source.block("for (int ky = 0; ky < \(step.kernel.height); ky++)") { source in
              source.block("for (int kx = 0; kx < \(step.kernel.width); kx++)") { source in
                source.line("int channel = o / \(channelsOut) * \(channelsIn) + c;")
                source.line("int r = row * \(step.strides.height) + ky * \(step.dilations.height);")
                source.line("int l = column * \(step.strides.width) + kx * \(step.dilations.width);")
                source.line("int term = (c * \(step.kernel.height) + ky) * \(step.kernel.width) + kx;")
                source.line()
                source.line(
                  "sum += (\(type))medulla_weights\(index)[o][term] * x[(channel * \(step.height) + r) * "
                    + "\(step.width) + l];")
              }
            }
          }
          source.line(
            "*y++ = medulla_finish\(index)(image, sum, medulla_multiplier\(index)[o]);")
        }
      }
    }
  }

  private static func pad(_ step: PadStep, into source: inout CSource) {
    source.line("for (int i = 0; i < \(step.channels * step.outputHeight * step.outputWidth); i++)")
    source.line("\ty[i] = 0;")
    source.block("for (int c = 0; c < \(step.channels); c++)") { source in
      source.block("for (int row = 0; row < \(step.height); row++)") { source in
        source.line("for (int column = 0; column < \(step.width); column++)")
        source.line(
          "\ty[(c * \(step.outputHeight) + row + \(step.padding.top)) * \(step.outputWidth) + column + "
            + "\(step.padding.left)] =")
        source.line("\t\tx[(c * \(step.height) + row) * \(step.width) + column];")
      }
    }
  }

  private static func pool(_ step: PoolStep, into source: inout CSource) {
    source.block("for (int c = 0; c < \(step.channels); c++)") { source in
      source.block("for (int row = 0; row < \(step.outputHeight); row++)") { source in
        source.block("for (int column = 0; column < \(step.outputWidth); column++)") { source in
          let isMaximum = step.kind == .maximum
          source.line(isMaximum ? "int64_t best = INT64_MIN;" : "int64_t sum = 0, n = 0;")
          source.line()
          source.block("for (int ky = 0; ky < \(step.kernel.height); ky++)") { source in
            source.block("for (int kx = 0; kx < \(step.kernel.width); kx++)") { source in
              source.line("int r = row * \(step.strides.height) + ky - \(step.padding.top);")
              source.line("int l = column * \(step.strides.width) + kx - \(step.padding.left);")
              source.line("int64_t value;")
              source.line()
              source.line("if (r < 0 || r >= \(step.height) || l < 0 || l >= \(step.width))")
              source.line("\tcontinue;")
              source.line("value = x[(c * \(step.height) + r) * \(step.width) + l];")
              source.lines(
                isMaximum ? ["best = value > best ? value : best;"] : ["sum += value;", "n++;"])
            }
          }
          switch step.kind {
          case .maximum: source.line("*y++ = best;")
          case .average, .averageCountingPadding:
            if step.kind == .averageCountingPadding {
              source.line("n = \(step.kernel.height * step.kernel.width);")
            }
            let offset = PoolStep.averageOffset
            source.line("*y++ = (sum + n / 2 + n * \(offset)LL) / n - \(offset)LL;")
          }
        }
      }
    }
  }

  private static func softmax(_ step: SoftmaxStep, word: Int, into source: inout CSource) {
    source.block("for (int row = 0; row < \(step.rows); row++, x += \(step.length), y += \(step.length))") {
      source in
      source.line("int64_t peak = x[0], sum = 0, e[\(step.length)];")
      source.line()
      source.line("for (int i = 1; i < \(step.length); i++)")
      source.line("\tpeak = x[i] > peak ? x[i] : peak;")
      source.block("for (int i = 0; i < \(step.length); i++)") { source in
        source.line(
          "e[i] = medulla_table\(step.table)(((peak - x[i]) * image->words[\(word)]) >> \(step.shift));")
        source.line("sum += e[i];")
      }
      source.line("for (int i = 0; i < \(step.length); i++)")
      source.line("\ty[i] = (e[i] * \(step.unit)LL + sum / 2) / sum;")
    }
  }
}
