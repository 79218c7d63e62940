/// One step of a network. Parameters are float32, tensors are row-major without the batch axis.
public enum Layer: Equatable, Sendable {
  case dense(Dense)
  case convolution(Convolution)
  case pool(Pool)
  case activation(Activation)
  /// A pure permutation, selection or reshape of elements.
  case rearrange(Rearrangement)
  /// exp(x − max x) normalised to a sum of 1, over the last axis.
  case softmax
  /// The index of the largest element of a vector, as a vector of one float; the first on a tie.
  case argmax
}

/// y = W·x + b, on a vector.
public struct Dense: Equatable, Sendable {
  public let inputs: Int
  public let outputs: Int
  /// `outputs × inputs`, row-major: one row for each output.
  public let weights: [Float]
  /// `outputs` values.
  public let bias: [Float]

  public init(inputs: Int, outputs: Int, weights: [Float], bias: [Float]) {
    self.inputs = inputs
    self.outputs = outputs
    self.weights = weights
    self.bias = bias
  }
}

/// A pair of sizes along the two spatial axes.
public struct Extent: Hashable, Sendable, Codable {
  public let height: Int
  public let width: Int

  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }
}

/// Zero padding around the two spatial axes.
public struct Padding: Hashable, Sendable, Codable {
  public let top: Int
  public let left: Int
  public let bottom: Int
  public let right: Int

  public init(top: Int = 0, left: Int = 0, bottom: Int = 0, right: Int = 0) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }
}

/// A 2-D cross-correlation over `[channels, height, width]`, as ONNX `Conv` defines it.
public struct Convolution: Equatable, Sendable {
  public let inputChannels: Int
  public let outputChannels: Int
  public let kernel: Extent
  public let strides: Extent
  public let dilations: Extent
  public let padding: Padding
  public let groups: Int
  /// `outputChannels × (inputChannels / groups) × kernel.height × kernel.width`, row-major.
  public let weights: [Float]
  /// `outputChannels` values.
  public let bias: [Float]

  public init(
    inputChannels: Int, outputChannels: Int, kernel: Extent,
    strides: Extent = Extent(height: 1, width: 1), dilations: Extent = Extent(height: 1, width: 1),
    padding: Padding = Padding(), groups: Int = 1, weights: [Float], bias: [Float]
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.groups = groups
    self.weights = weights
    self.bias = bias
  }
}

/// A window over `[channels, height, width]` that keeps the channels apart.
public struct Pool: Equatable, Sendable {
  public enum Kind: Hashable, Sendable {
    case max
    /// With `countsPadding` the divisor is always the window's size, else the elements inside.
    case average(countsPadding: Bool)
  }

  public let kind: Kind
  public let kernel: Extent
  public let strides: Extent
  public let padding: Padding

  public init(kind: Kind, kernel: Extent, strides: Extent, padding: Padding = Padding()) {
    self.kind = kind
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
  }
}

/// A function of each element by itself.
public enum Activation: Hashable, Sendable {
  case relu
  case leakyRelu(slope: Float)
  case clip(minimum: Float, maximum: Float)
  case tanh
  case sigmoid
  /// max(0, min(1, alpha·x + beta))
  case hardSigmoid(alpha: Float, beta: Float)
}

/// `output[i] = input[indices[i]]`, with a new shape.
public struct Rearrangement: Equatable, Sendable {
  public let indices: [Int]
  public let shape: TensorShape

  public init(indices: [Int], shape: TensorShape) {
    self.indices = indices
    self.shape = shape
  }
}
