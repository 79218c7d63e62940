import CMedullaLearning

/// Where a network's parameters lie while it is trained: rows of whole vectors, filled up with zeros.
///
/// A convolution's weights are `[output][row][column][input]`, so that one row of a window over interleaved
/// inputs lies beside one row of its weights.
struct ParameterLayout {
  struct Stage {
    var weights: Int
    var bias: Int
    /// From one output's weights to the next's.
    var stride: Int
  }

  private(set) var stages: [Stage] = []
  private(set) var count = 0
  /// The place here of each of `ConvolutionalNetwork.parameters`.
  private var places: [Int] = []

  init(_ network: ConvolutionalNetwork) {
    for stage in network.stages {
      let start = count
      let stride: Int
      switch stage {
      case .convolution(let convolution):
        let run = Self.wholeVectors(convolution.kernel * convolution.input.channels)
        stride = run * convolution.kernel
        for output in 0..<convolution.outputs {
          for channel in 0..<convolution.input.channels {
            for row in 0..<convolution.kernel {
              let first = start + output * stride + row * run + channel
              for column in 0..<convolution.kernel {
                places.append(first + column * convolution.input.channels)
              }
            }
          }
        }
      case .dense(let dense):
        stride = Self.wholeVectors(dense.inputs)
        for output in 0..<dense.outputs { places += (0..<dense.inputs).map { start + output * stride + $0 } }
      }
      let bias = start + stage.rows * stride
      places += (0..<stage.rows).map { bias + $0 }
      stages.append(Stage(weights: start, bias: bias, stride: stride))
      count = bias + Self.wholeVectors(stage.rows)
    }
  }

  func pack(_ parameters: [Float], into packed: UnsafeMutablePointer<Float>) {
    for (index, place) in places.enumerated() { packed[place] = parameters[index] }
  }

  func unpack(_ packed: UnsafePointer<Float>) -> [Float] { places.map { packed[$0] } }

  static func wholeVectors(_ count: Int) -> Int {
    (count + Int(LEARNING_LANES) - 1) / Int(LEARNING_LANES) * Int(LEARNING_LANES)
  }
}
