import MedullaSnapshot

extension NativeWriter {
  /// A step over `rows` rows, which lie one after another in `x` and `y`.
  mutating func write(_ step: Step, _ index: Int) {
    if let epilogue = step.epilogue { writeFinish(epilogue, index) }
    let head = [
      "\(Self.inlined) void medulla_step\(index)(const struct medulla_network *network,",
      "\t\t\t\t\t const \(type(ofTensor: index)) *restrict x,",
      "\t\t\t\t\t \(type(ofTensor: index + 1)) *restrict y, int rows)",
    ]
    source.function(head) { source in
      switch step {
      case .dense(let dense): Self.dense(dense, index, into: &source)
      case .convolution(let convolution): Self.convolution(convolution, index, into: &source)
      case .map(let map):
        source.line("for (int i = 0; i < rows * \(map.count); i++)")
        source.line(
          "\ty[i] = medulla_finish\(index)(network, x[i] + network->map\(index)[0], network->map\(index)[1]);"
        )
      case .gather(let gather):
        let (from, to) = (gather.inputs, gather.indices.count)
        source.block("for (int row = 0; row < rows; row++, x += \(from), y += \(to))") { source in
          for (to, from) in gather.indices.enumerated() { source.line("y[\(to)] = x[\(from)];") }
        }
      case .pad(let pad): Self.pad(pad, into: &source)
      case .pool(let pool): Self.pool(pool, into: &source)
      case .softmax(let softmax): Self.softmax(softmax, index, into: &source)
      case .argmax(let argmax):
        source.block("for (int row = 0; row < rows; row++, x += \(argmax.inputs))") { source in
          source.line("int best = 0;")
          source.line()
          source.block("for (int i = 1; i < \(argmax.inputs); i++)") { source in
            source.line("if (x[i] > x[best])")
            source.line("\tbest = i;")
          }
          source.line("y[row] = best * \(argmax.unit)LL;")
        }
      }
    }
  }

  private mutating func writeFinish(_ epilogue: Epilogue, _ index: Int) {
    let head = [
      "static inline int64_t medulla_finish\(index)(const struct medulla_network *network, int64_t sum,",
      "\t\t\t\t\t int64_t multiplier)",
    ]
    source.function(head) { source in
      source.line("int64_t v = (sum * multiplier) >> \(epilogue.shift);")
      source.line()
      switch epilogue.function {
      case .identity: source.line("return v;")
      case .clamp(let low, let high):
        source.line("return v < \(low)LL ? \(low)LL : v > \(high)LL ? \(high)LL : v;")
      case .clip:
        source.line("int64_t low = network->clip\(index)[0], high = network->clip\(index)[1];")
        source.line()
        source.line("return v < low ? low : v > high ? high : v;")
      case .leaky(let multiplier, let shift, let limit):
        source.line("if (v < 0)")
        source.line("\tv = (v * \(multiplier)LL + \(Int64(1) << Int64(shift - 1))LL) >> \(shift);")
        source.line("return v < -\(limit)LL ? -\(limit)LL : v > \(limit)LL ? \(limit)LL : v;")
      case .table(let table): source.line("return medulla_table\(table)(network, v);")
      }
    }
  }

  /// A sum that is proven for a 32-bit lane needs no wider type here either.
  private static func sumType(_ packing: Packing) -> String { packing == .pair ? "int32_t" : "int64_t" }

  /// Each weight row goes over all rows of features before the next one is read.
  private static func dense(_ step: DenseStep, _ index: Int, into source: inout CSource) {
    let type = sumType(step.packing)
    source.block("for (int o = 0; o < \(step.outputs); o++)") { source in
      source.block("for (int row = 0; row < rows; row++)") { source in
        source.line("\(type) sum = network->bias\(index)[o];")
        source.line()
        source.line("for (int i = 0; i < \(step.inputs); i++)")
        source.line(
          "\tsum += (\(type))network->weights\(index)[o][i] * x[row * \(step.inputs) + i];")
        source.line(
          "y[row * \(step.outputs) + o] = medulla_finish\(index)(network, sum, "
            + "network->multiplier\(index)[o]);")
      }
    }
  }

  private static func convolution(_ step: ConvolutionStep, _ index: Int, into source: inout CSource) {
    let size = step.inputChannels * step.height * step.width
    source.block("for (int n = 0; n < rows; n++, x += \(size))") { source in
      source.block("for (int o = 0; o < \(step.outputChannels); o++)") { source in
        source.block("for (int row = 0; row < \(step.outputHeight); row++)") { source in
          source.block("for (int column = 0; column < \(step.outputWidth); column++)") { source in
            position(step, index, into: &source)
          }
        }
      }
    }
  }

  /// One output value of a convolution.
  private static func position(_ step: ConvolutionStep, _ index: Int, into source: inout CSource) {
    let channelsIn = step.inputChannels / step.groups
    let channelsOut = step.outputChannels / step.groups
    let type = sumType(step.packing)
    source.line("\(type) sum = network->bias\(index)[o];")
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
            "sum += (\(type))network->weights\(index)[o][term] * x[(channel * \(step.height) + r) * "
              + "\(step.width) + l];")
        }
      }
    }
    source.line("*y++ = medulla_finish\(index)(network, sum, network->multiplier\(index)[o]);")
  }

  private static func pad(_ step: PadStep, into source: inout CSource) {
    source.line("for (int i = 0; i < rows * \(step.channels * step.outputHeight * step.outputWidth); i++)")
    source.line("\ty[i] = 0;")
    source.block("for (int c = 0; c < rows * \(step.channels); c++)") { source in
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
    source.block("for (int c = 0; c < rows * \(step.channels); c++)") { source in
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

  private static func softmax(_ step: SoftmaxStep, _ index: Int, into source: inout CSource) {
    let (length, count) = (step.length, step.rows)
    source.block("for (int row = 0; row < rows * \(count); row++, x += \(length), y += \(length))") {
      source in
      source.line("int64_t peak = x[0], sum = 0, e[\(length)];")
      source.line()
      source.line("for (int i = 1; i < \(length); i++)")
      source.line("\tpeak = x[i] > peak ? x[i] : peak;")
      source.block("for (int i = 0; i < \(length); i++)") { source in
        source.line("int64_t v = ((peak - x[i]) * network->softmax\(index)[0]) >> \(step.shift);")
        source.line()
        source.line("e[i] = medulla_table\(step.table)(network, v);")
        source.line("sum += e[i];")
      }
      source.line("for (int i = 0; i < \(length); i++)")
      source.line("\ty[i] = (e[i] * \(step.unit)LL + sum / 2) / sum;")
    }
  }
}
