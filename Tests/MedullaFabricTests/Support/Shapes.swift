import MedullaModel
import MedullaSnapshot

/// Shapes of networks without weights.
enum Shapes {
  static let relu = Epilogue(shift: 26, function: .clamp(low: 0, high: 127))
  static let last = Epilogue(shift: 26, function: .identity)

  static func dense(_ inputs: Int, _ outputs: Int, isLast: Bool = false) -> Step {
    .dense(DenseStep(inputs: inputs, outputs: outputs, packing: .triple, epilogue: isLast ? last : relu))
  }

  static func convolution(_ channels: Int, _ size: Int, _ filters: Int) -> Step {
    .convolution(
      ConvolutionStep(
        inputChannels: channels, height: size, width: size, outputChannels: filters,
        kernel: Extent(height: 3, width: 3), strides: Extent(height: 1, width: 1),
        dilations: Extent(height: 1, width: 1), groups: 1, packing: .triple, epilogue: relu))
  }

  static func pool(_ channels: Int, _ size: Int) -> Step {
    .pool(
      PoolStep(
        kind: .maximum, channels: channels, height: size, width: size, kernel: Extent(height: 2, width: 2),
        strides: Extent(height: 2, width: 2), padding: Padding(top: 0, left: 0, bottom: 0, right: 0),
        outputHeight: size / 2, outputWidth: size / 2))
  }

  static func shape(_ inputs: Int, _ steps: [Step], scheme: QuantizationScheme = .w8a8) -> ProgramShape {
    ProgramShape(scheme: scheme, inputs: inputs, tables: [], steps: steps)
  }

  /// mini-AlexNet of the paper: 32×32×3, three convolutions with pooling, three dense layers.
  static let miniAlexNet = shape(
    3_072,
    [
      convolution(3, 32, 64), pool(64, 30), convolution(64, 15, 192), pool(192, 13),
      convolution(192, 6, 384), pool(384, 4), dense(1_536, 4_096), dense(4_096, 2_048),
      dense(2_048, 10, isLast: true), .argmax(ArgmaxStep(inputs: 10, unit: 1)),
    ])

  static let small = shape(16, [dense(16, 8), dense(8, 4), dense(4, 2, isLast: true)])
}
