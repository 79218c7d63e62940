/// The sizes beyond which a network is refused, so that no file can make a reader run out of memory.
package enum ModelLimits {
  /// Elements of one tensor between layers. A 3 × 1024 × 1024 image fits.
  package static let tensorElements = 1 << 22
  /// Parameters of a whole network. VGG-16 with its 138 million fits.
  package static let parameters = 1 << 28
  /// Dimensions of a tensor.
  package static let rank = 8
  /// Layers of a network.
  package static let layers = 4096
  /// A kernel size, stride, dilation or padding along one axis.
  package static let extent = 1 << 16
  /// Multiply-accumulates of one layer for one input.
  package static let multiplications = 1 << 36
  /// Nodes of an ONNX graph, or entries of a safetensors header.
  package static let nodes = 1 << 16
  /// Bytes of a model file, of an external data file, or of a safetensors file.
  package static let fileBytes = 1 << 31
}
