extension Convolution {
  func outputShape(from input: TensorShape, label: String) throws(ModelError) -> TensorShape {
    guard input.rank == 3, input.dimensions[0] == inputChannels else {
      throw ModelError(
        .shapeMismatch,
        "\(label) needs [\(inputChannels)×height×width] and is given \(input)")
    }
    guard groups > 0, outputChannels > 0, inputChannels % groups == 0, outputChannels % groups == 0 else {
      throw ModelError(
        .unsupportedAttribute,
        "\(label) has \(groups) groups, which do not divide \(inputChannels) input and \(outputChannels) "
          + "output channels")
    }
    let height = try outputLength(
      input.dimensions[1], kernel: kernel.height, stride: strides.height, dilation: dilations.height,
      padding: (padding.top, padding.bottom), axis: "height", label: label)
    let width = try outputLength(
      input.dimensions[2], kernel: kernel.width, stride: strides.width, dilation: dilations.width,
      padding: (padding.left, padding.right), axis: "width", label: label)
    let weightShape = TensorShape([outputChannels, inputChannels / groups, kernel.height, kernel.width])
    guard let expected = weightShape.checkedCount, weights.count == expected, bias.count == outputChannels
    else {
      throw ModelError(
        .shapeMismatch,
        "\(label) has \(weights.count) weights and \(bias.count) biases; weights of shape \(weightShape) and "
          + "\(outputChannels) biases are needed")
    }
    let work = TensorShape([expected, height, width]).checkedCount
    guard let work, work <= ModelLimits.multiplications else {
      throw ModelError(
        .unsupportedShape, "\(label) needs more than \(ModelLimits.multiplications) multiplications")
    }
    try checkFinite(weights, bias, label: label)
    return TensorShape([outputChannels, height, width])
  }
}

extension Pool {
  func outputShape(from input: TensorShape, label: String) throws(ModelError) -> TensorShape {
    guard input.rank == 3 else {
      throw ModelError(.shapeMismatch, "\(label) needs [channels×height×width] and is given \(input)")
    }
    // So every window holds at least one element of the input, and a maximum or mean exists.
    guard max(padding.top, padding.bottom) < kernel.height, max(padding.left, padding.right) < kernel.width
    else {
      throw ModelError(.unsupportedAttribute, "\(label) is padded by as much as its window or more")
    }
    let height = try outputLength(
      input.dimensions[1], kernel: kernel.height, stride: strides.height, dilation: 1,
      padding: (padding.top, padding.bottom), axis: "height", label: label)
    let width = try outputLength(
      input.dimensions[2], kernel: kernel.width, stride: strides.width, dilation: 1,
      padding: (padding.left, padding.right), axis: "width", label: label)
    let work = TensorShape([input.dimensions[0], height, width, kernel.height, kernel.width]).checkedCount
    guard let work, work <= ModelLimits.multiplications else {
      throw ModelError(
        .unsupportedShape, "\(label) looks at more than \(ModelLimits.multiplications) elements")
    }
    return TensorShape([input.dimensions[0], height, width])
  }
}

/// The number of window positions along one axis: ⌊(length + padding − span) / stride⌋ + 1.
private func outputLength(
  _ length: Int, kernel: Int, stride: Int, dilation: Int, padding: (Int, Int), axis: String, label: String
) throws(ModelError) -> Int {
  let limit = ModelLimits.extent
  let sizes = [kernel, stride, dilation]
  guard sizes.allSatisfy({ $0 >= 1 && $0 <= limit }),
    [padding.0, padding.1].allSatisfy({ $0 >= 0 && $0 <= limit })
  else {
    throw ModelError(
      .unsupportedAttribute,
      "\(label) has kernel \(kernel), stride \(stride), dilation \(dilation), padding \(padding.0) and "
        + "\(padding.1) along its \(axis); sizes are 1 to \(limit), padding 0 to \(limit)")
  }
  let span = (kernel - 1) * dilation + 1
  let padded = length + padding.0 + padding.1
  guard padded >= span else {
    throw ModelError(
      .shapeMismatch, "\(label) has a window of \(span) along a padded \(axis) of \(padded)")
  }
  return (padded - span) / stride + 1
}
