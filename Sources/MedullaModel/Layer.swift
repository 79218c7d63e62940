/// One step of a network. Parameters are float32, tensors are row-major without the batch axis.
package enum Layer: Equatable, Sendable {
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
package struct Dense: Equatable, Sendable {
  package let inputs: Int
  package let outputs: Int
  /// `outputs × inputs`, row-major: one row for each output.
  package let weights: [Float]
  /// `outputs` values.
  package let bias: [Float]

  package init(inputs: Int, outputs: Int, weights: [Float], bias: [Float]) {
    self.inputs = inputs
    self.outputs = outputs
    self.weights = weights
    self.bias = bias
  }
}

/// A pair of sizes along the two spatial axes.
package struct Extent: Hashable, Sendable, Codable {
  package let height: Int
  package let width: Int

  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }
}

/// Zero padding around the two spatial axes.
package struct Padding: Hashable, Sendable, Codable {
  package let top: Int
  package let left: Int
  package let bottom: Int
  package let right: Int

  package init(top: Int = 0, left: Int = 0, bottom: Int = 0, right: Int = 0) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }
}

/// A 2-D cross-correlation over `[channels, height, width]`, as ONNX `Conv` defines it.
package struct Convolution: Equatable, Sendable {
  package let inputChannels: Int
  package let outputChannels: Int
  package let kernel: Extent
  package let strides: Extent
  package let dilations: Extent
  package let padding: Padding
  package let groups: Int
  /// `outputChannels × (inputChannels / groups) × kernel.height × kernel.width`, row-major.
  package let weights: [Float]
  /// `outputChannels` values.
  package let bias: [Float]

  package init(
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
package struct Pool: Equatable, Sendable {
  package enum Kind: Hashable, Sendable {
    case max
    /// With `countsPadding` the divisor is always the window's size, else the elements inside.
    case average(countsPadding: Bool)
  }

  package let kind: Kind
  package let kernel: Extent
  package let strides: Extent
  package let padding: Padding

  package init(kind: Kind, kernel: Extent, strides: Extent, padding: Padding = Padding()) {
    self.kind = kind
    self.kernel = kernel
    self.strides = strides
    self.padding = padding
  }
}

/// A function of each element by itself.
package enum Activation: Hashable, Sendable {
  case relu
  case leakyRelu(slope: Float)
  case clip(minimum: Float, maximum: Float)
  case tanh
  case sigmoid
  /// max(0, min(1, alpha·x + beta))
  case hardSigmoid(alpha: Float, beta: Float)
}

/// `output[i] = input[indices[i]]`, with a new shape.
package struct Rearrangement: Equatable, Sendable {
  package let indices: [Int]
  package let shape: TensorShape

  package init(indices: [Int], shape: TensorShape) {
    self.indices = indices
    self.shape = shape
  }
}
