import MedullaSnapshot

/// The same inference as a programmer would write it in plain C: narrow types, natural loops, one weight a
/// multiply. What the kernel's program is measured against; its outputs are the same bits.
///
/// `medulla_infer` has the signature of `ProgramHeader`. On the first call with an image it unpacks the
/// weights into arrays of `int8_t` or `int16_t`; an image must not change afterwards.
public struct NativeProgram: Sendable {
  public let shape: ProgramShape
  public let text: String

  public init(shape: ProgramShape) {
    self.shape = shape
    var writer = NativeWriter(shape: shape)
    text = writer.write()
  }
}

/// Writes the parts of a native program.
struct NativeWriter {
  let shape: ProgramShape
  let layout: ImageLayout
  var source = CSource()

  init(shape: ProgramShape) {
    self.shape = shape
    layout = ImageLayout(shape)
  }

  var weightType: String { shape.scheme == .w16a16 ? "int16_t" : "int8_t" }

  mutating func write() -> String {
    let scratch = ScratchLayout(shape)
    ProgramHeader.preamble(shape, layout, scratch, into: &source)
    source.line("#include <stdint.h>")
    source.line()
    for (index, table) in shape.tables.enumerated() { write(table, index) }
    for (index, step) in shape.steps.enumerated() { writeData(step, index) }
    writeUnpack()
    writeEnter()
    for (index, step) in shape.steps.enumerated() { write(step, index) }
    writeInference(scratch)
    source.line("#endif")
    return source.text
  }

  private mutating func write(_ table: FunctionTable, _ index: Int) {
    source.line("static int32_t medulla_lines\(index)[\(table.segments)][2];")
    source.line()
    source.function(["static inline int64_t medulla_table\(index)(int64_t v)"]) { source in
      source.line("const int32_t *line;")
      source.line()
      source.line("if (v > \(table.maximumCoordinate))")
      source.line("\tv = \(table.maximumCoordinate);")
      source.line("if (v < 0)")
      source.line("\tv = 0;")
      source.line("line = medulla_lines\(index)[v >> \(table.fractionBits)];")
      source.line("return (line[0] + line[1] * v) >> \(table.guardBits);")
    }
  }

  private mutating func writeData(_ step: Step, _ index: Int) {
    guard let block = block(of: step) else { return }
    let channels = block.channels * block.groups
    source.line("static \(weightType) medulla_weights\(index)[\(channels)][\(block.terms)];")
    source.line("static int64_t medulla_bias\(index)[\(channels)];")
    source.line("static int64_t medulla_multiplier\(index)[\(channels)];")
    source.line()
  }

  func block(of step: Step) -> LinearBlock? {
    switch step {
    case .dense(let dense): LinearBlock(dense)
    case .convolution(let convolution): LinearBlock(convolution)
    default: nil
    }
  }

  private mutating func writeUnpack() {
    let shape = shape
    let layout = layout
    let blocks = shape.steps.map(block(of:))
    let weightType = weightType
    source.function(["static void medulla_unpack(const struct medulla_image *image)"]) { source in
      for (index, table) in shape.tables.enumerated() {
        source.block("for (int i = 0; i < \(table.segments); i++)") { source in
          let word = "image->words[\(layout.tables[index].offset) + i]"
          source.line("medulla_lines\(index)[i][0] = (int32_t)\(word);")
          source.line("medulla_lines\(index)[i][1] = (int32_t)(\(word) >> 32);")
        }
      }
      for (index, block) in blocks.enumerated() {
        guard let block else { continue }
        let clip = shape.steps[index].epilogue?.function == .clip ? ImageLayout.clipWords : 0
        NativeUnpacking(block: block, index: index, type: weightType)
          .write(from: layout.steps[index].offset + clip, into: &source)
      }
    }
  }

  private mutating func writeEnter() {
    let type = Self.type(tensor: 0, shape: shape)
    let shape = shape
    let layout = layout
    source.function([
      "static void medulla_enter(const struct medulla_image *image, const int64_t *features, \(type) *x)"
    ]) { source in
      source.line("const __s64 *w = image->words + \(layout.features.offset);")
      source.line()
      source.block("for (int i = 0; i < \(shape.inputs); i++, w += \(ImageLayout.featureWords))") { source in
        source.line("uint64_t t = (uint64_t)features[i] - (uint64_t)w[0];")
        source.line()
        source.line("if (t > (uint64_t)w[1])")
        source.line("\tt = features[i] < w[0] ? 0 : w[1];")
        source.line("x[i] = ((int64_t)t * w[2] + w[3]) >> \(shape.featureShift);")
      }
    }
  }

  private mutating func writeInference(_ scratch: ScratchLayout) {
    let shape = shape
    let counts = [shape.inputs] + shape.steps.map(\.outputCount)
    source.function([
      "static inline void medulla_infer(const struct medulla_image *image, struct medulla_scratch *scratch)"
    ]) { source in
      source.line("static const struct medulla_image *unpacked;")
      for (tensor, count) in counts.enumerated() {
        source.line("static \(Self.type(tensor: tensor, shape: shape)) x\(tensor)[\(count)];")
      }
      source.line()
      source.block("if (image != unpacked)") { source in
        source.line("medulla_unpack(image);")
        source.line("unpacked = image;")
      }
      source.line("medulla_enter(image, (const int64_t *)scratch->words, x0);")
      for index in shape.steps.indices {
        source.line("medulla_step\(index)(image, x\(index), x\(index + 1));")
      }
      source.block("for (int i = 0; i < \(counts[counts.count - 1]); i++)") { source in
        source.line("scratch->words[\(scratch.outputsOffset) + i] = x\(counts.count - 1)[i];")
      }
    }
  }

  /// Activations are as narrow as their format; outputs in fixed point, and what only rearranges them, wide.
  static func type(tensor: Int, shape: ProgramShape) -> String {
    let narrow = shape.scheme == .w8a8 ? "int8_t" : "int16_t"
    guard tensor > 0 else { return narrow }
    let step = shape.steps[tensor - 1]
    let limit = shape.scheme.activationLimit
    switch step {
    case .dense, .convolution, .map:
      switch step.epilogue?.function {
      case .clamp(let low, let high): return low >= -limit && high <= limit ? narrow : "int64_t"
      case .leaky(_, _, let reach): return reach <= limit ? narrow : "int64_t"
      case .table(let index): return shape.tables[index].amplitude <= limit ? narrow : "int64_t"
      case .clip:
        // Outputs in fixed point, even when they are only rearranged afterwards.
        let leaves = shape.steps[tensor...].allSatisfy { if case .gather = $0 { true } else { false } }
        return leaves ? "int64_t" : narrow
      case .identity, nil: return "int64_t"
      }
    case .pad, .pool, .gather: return type(tensor: tensor - 1, shape: shape)
    case .softmax(let softmax): return softmax.unit <= limit ? narrow : "int64_t"
    case .argmax: return "int64_t"
    }
  }
}
