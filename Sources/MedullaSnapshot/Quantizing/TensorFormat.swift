/// What the integers of one tensor stand for: real = scale · x + zero.
///
/// Only the network's inputs have a scale of their own for each element and a zero that is not 0; the first
/// dense layer takes both into its weights and bias.
enum TensorFormat {
  case uniform(scale: Double)
  case perElement(scales: [Double], zeros: [Double])

  func scale(of element: Int) -> Double {
    switch self {
    case .uniform(let scale): scale
    case .perElement(let scales, _): scales[element]
    }
  }

  func zero(of element: Int) -> Double {
    switch self {
    case .uniform: 0
    case .perElement(_, let zeros): zeros[element]
    }
  }

  /// The format after `output[i] = input[indices[i]]`.
  func gathered(_ indices: [Int]) -> TensorFormat {
    switch self {
    case .uniform: self
    case .perElement(let scales, let zeros):
      .perElement(scales: indices.map { scales[$0] }, zeros: indices.map { zeros[$0] })
    }
  }
}
