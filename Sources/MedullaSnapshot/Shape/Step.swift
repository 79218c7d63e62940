import MedullaModel

/// One step of the integer program, over a row-major tensor of 64-bit integers.
public enum Step: Hashable, Sendable, Codable {
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
public struct DenseStep: Hashable, Sendable, Codable {
  public let inputs: Int
  public let outputs: Int
  public let packing: Packing
  public let epilogue: Epilogue
}

/// A cross-correlation without padding over `[inputChannels, height, width]`.
public struct ConvolutionStep: Hashable, Sendable, Codable {
  public let inputChannels: Int
  public let height: Int
  public let width: Int
  public let outputChannels: Int
  public let kernel: Extent
  public let strides: Extent
  public let dilations: Extent
  public let groups: Int
  public let packing: Packing
  public let epilogue: Epilogue

  public var outputHeight: Int { (height - (kernel.height - 1) * dilations.height - 1) / strides.height + 1 }
  public var outputWidth: Int { (width - (kernel.width - 1) * dilations.width - 1) / strides.width + 1 }
  /// Terms of one sum.
  public var fanIn: Int { inputChannels / groups * kernel.height * kernel.width }
}

/// Zeros around every channel.
public struct PadStep: Hashable, Sendable, Codable {
  public let channels: Int
  public let height: Int
  public let width: Int
  public let padding: Padding

  public var outputHeight: Int { height + padding.top + padding.bottom }
  public var outputWidth: Int { width + padding.left + padding.right }
}

/// A window over each channel that skips the padding.
public struct PoolStep: Hashable, Sendable, Codable {
  public enum Kind: String, Hashable, Sendable, Codable {
    case maximum
    /// ⌊sum / n + 1/2⌋ where n is the number of elements inside.
    case average
    /// ⌊sum / n + 1/2⌋ where n is the window's size.
    case averageCountingPadding
  }

  public let kind: Kind
  public let channels: Int
  public let height: Int
  public let width: Int
  public let kernel: Extent
  public let strides: Extent
  public let padding: Padding
  public let outputHeight: Int
  public let outputWidth: Int
}

/// output[i] = input[indices[i]]
public struct GatherStep: Hashable, Sendable, Codable {
  public let inputs: Int
  public let indices: [Int]
}

/// sum[i] = bias + x[i], then the epilogue; one bias and multiplier for all elements.
public struct MapStep: Hashable, Sendable, Codable {
  public let count: Int
  public let epilogue: Epilogue
}

/// For each row: e[i] = table((max x − x[i]) · multiplier >> shift), output = ⌊(e·unit + Σe/2) / Σe⌋.
public struct SoftmaxStep: Hashable, Sendable, Codable {
  public let rows: Int
  public let length: Int
  public let shift: Int
  public let table: Int
  /// The integer that stands for a probability of 1.
  public let unit: Int64
}

/// The index of the first largest element, times `unit`.
public struct ArgmaxStep: Hashable, Sendable, Codable {
  public let inputs: Int
  public let unit: Int64
}

extension Step {
  /// Elements that the step reads.
  public var inputCount: Int {
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
  public var outputCount: Int {
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
  public var kind: String {
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
  public var epilogue: Epilogue? {
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
  public static let averageOffset: Int64 = 1 << 31
}
