import MedullaModel

/// One step of the integer program, over a row-major tensor of 64-bit integers.
package enum Step: Hashable, Sendable, Codable {
  case dense(DenseStep)
  case convolution(ConvolutionStep)
  case pad(PadStep)
  case pool(PoolStep)
  case gather(GatherStep)
  case map(MapStep)
  case softmax(SoftmaxStep)
  case argmax(ArgmaxStep)
}

/// sum[o] = bias[o] + Σ weight[o][i] · x[i], then the epilogue.
package struct DenseStep: Hashable, Sendable, Codable {
  package let inputs: Int
  package let outputs: Int
  package let packing: Packing
  package let epilogue: Epilogue

  package init(
    inputs: Int, outputs: Int, packing: Packing, epilogue: Epilogue
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.packing = packing
    self.epilogue = epilogue
  }
}

/// A cross-correlation without padding over `[inputChannels, height, width]`.
package struct ConvolutionStep: Hashable, Sendable, Codable {
  package let inputChannels: Int
  package let height: Int
  package let width: Int
  package let outputChannels: Int
  package let kernel: Extent
  package let strides: Extent
  package let dilations: Extent
  package let groups: Int
  package let packing: Packing
  package let epilogue: Epilogue

  package init(
    inputChannels: Int, height: Int, width: Int, outputChannels: Int, kernel: Extent, strides: Extent,
    dilations: Extent, groups: Int, packing: Packing, epilogue: Epilogue
  ) {
    self.inputChannels = inputChannels
    self.height = height
    self.width = width
    self.outputChannels = outputChannels
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.groups = groups
    self.packing = packing
    self.epilogue = epilogue
  }

  package var outputHeight: Int { (height - (kernel.height - 1) * dilations.height - 1) / strides.height + 1 }
  package var outputWidth: Int { (width - (kernel.width - 1) * dilations.width - 1) / strides.width + 1 }
  /// Terms of one sum.
  package var fanIn: Int { inputChannels / groups * kernel.height * kernel.width }
}

/// Zeros around every channel.
package struct PadStep: Hashable, Sendable, Codable {
  package let channels: Int
  package let height: Int
  package let width: Int
  package let padding: Padding

  package init(
    channels: Int, height: Int, width: Int, padding: Padding
  ) {
    self.channels = channels
    self.height = height
    self.width = width
    self.padding = padding
  }

  package var outputHeight: Int { height + padding.top + padding.bottom }
  package var outputWidth: Int { width + padding.left + padding.right }
}

/// A window over each channel that skips the padding.
package struct PoolStep: Hashable, Sendable, Codable {
  package enum Kind: String, Hashable, Sendable, Codable {
    case maximum
    /// ⌊sum / n + 1/2⌋ where n is the number of elements inside.
    case average
    /// ⌊sum / n + 1/2⌋ where n is the window's size.
    case averageCountingPadding
  }

  package let kind: Kind
  package let channels: Int
  package let height: Int
  package let width: Int
  package let kernel: Extent
  package let strides: Extent
  package let padding: Padding
  package let outputHeight: Int
  package let outputWidth: Int

  package init(
    kind: Kind, channels: Int, height: Int, width: Int, kernel: Extent, strides: Extent, padding: Padding,
    outputHeight: Int, outputWidth: Int
  ) {
    self.kind = kind
    self.channels = channels
    self.height = height
    self.width = width
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
  }
}

/// output[i] = input[indices[i]]
package struct GatherStep: Hashable, Sendable, Codable {
  package let inputs: Int
  package let indices: [Int]

  package init(
    inputs: Int, indices: [Int]
  ) {
    self.inputs = inputs
    self.indices = indices
  }
}

/// sum[i] = bias + x[i], then the epilogue; one bias and multiplier for all elements.
package struct MapStep: Hashable, Sendable, Codable {
  package let count: Int
  package let epilogue: Epilogue
}

/// For each row: e[i] = table((max x − x[i]) · multiplier >> shift), output = ⌊(e·unit + Σe/2) / Σe⌋.
package struct SoftmaxStep: Hashable, Sendable, Codable {
  package let rows: Int
  package let length: Int
  package let shift: Int
  package let table: Int
  /// The integer that stands for a probability of 1.
  package let unit: Int64
}

/// The index of the first largest element, times `unit`.
package struct ArgmaxStep: Hashable, Sendable, Codable {
  package let inputs: Int
  package let unit: Int64

  package init(
    inputs: Int, unit: Int64
  ) {
    self.inputs = inputs
    self.unit = unit
  }
}

extension Step {
  /// Elements that the step reads.
  package var inputCount: Int {
    switch self {
    case .dense(let step): step.inputs
    case .convolution(let step): step.inputChannels * step.height * step.width
    case .pad(let step): step.channels * step.height * step.width
    case .pool(let step): step.channels * step.height * step.width
    case .gather(let step): step.inputs
    case .map(let step): step.count
    case .softmax(let step): step.rows * step.length
    case .argmax(let step): step.inputs
    }
  }

  /// Elements that the step writes.
  package var outputCount: Int {
    switch self {
    case .dense(let step): step.outputs
    case .convolution(let step): step.outputChannels * step.outputHeight * step.outputWidth
    case .pad(let step): step.channels * step.outputHeight * step.outputWidth
    case .pool(let step): step.channels * step.outputHeight * step.outputWidth
    case .gather(let step): step.indices.count
    case .map(let step): step.count
    case .softmax(let step): step.rows * step.length
    case .argmax: 1
    }
  }

  /// The step's kind in messages, files and comments.
  package var kind: String {
    switch self {
    case .dense: "dense"
    case .convolution: "convolution"
    case .pad: "pad"
    case .pool: "pool"
    case .gather: "gather"
    case .map: "map"
    case .softmax: "softmax"
    case .argmax: "argmax"
    }
  }

  /// The epilogue of a step that has one.
  package var epilogue: Epilogue? {
    switch self {
    case .dense(let step): step.epilogue
    case .convolution(let step): step.epilogue
    case .map(let step): step.epilogue
    case .pad, .pool, .gather, .softmax, .argmax: nil
    }
  }
}

extension PoolStep {
  /// Makes every average positive before the division, which then rounds the same way for every sign.
  package static let averageOffset: Int64 = 1 << 31
}
