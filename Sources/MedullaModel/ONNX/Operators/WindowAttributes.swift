/// The attributes that Conv and the pools share, for one or two spatial axes; a missing height is 1.
struct WindowAttributes {
  let kernel: Extent
  let strides: Extent
  let dilations: Extent
  let padding: Padding

  static let names = ["auto_pad", "dilations", "kernel_shape", "pads", "strides"]

  /// - Parameters:
  ///   - spatial: the input's height and width, or its length alone.
  ///   - kernel: the window along each spatial axis.
  init(_ node: ONNXNode, spatial: [Int], kernel: [Int]) throws(ModelError) {
    let axes = spatial.count
    let strides = try node.integers("strides") ?? [Int](repeating: 1, count: axes)
    let dilations = try node.integers("dilations") ?? [Int](repeating: 1, count: axes)
    let stated = try node.integers("pads") ?? [Int](repeating: 0, count: 2 * axes)
    guard (1...2).contains(axes), kernel.count == axes, strides.count == axes, dilations.count == axes,
      stated.count == 2 * axes
    else {
      throw node.error(
        .shapeMismatch,
        "kernel \(kernel), strides \(strides), dilations \(dilations) or pads \(stated) do not have "
          + "as many values as \(axes) spatial axes need")
    }
    let limit = ModelLimits.extent
    guard (kernel + strides + dilations).allSatisfy({ (1...limit).contains($0) }),
      stated.allSatisfy({ (0...limit).contains($0) })
    else {
      throw node.error(
        .unsupportedAttribute,
        "kernel \(kernel), strides \(strides), dilations \(dilations) must be 1 to \(limit), "
          + "pads \(stated) 0 to \(limit)")
    }
    let automatic = try node.string("auto_pad", default: "NOTSET")
    var before = Array(stated[..<axes])
    var after = Array(stated[axes...])
    switch automatic {
    case "NOTSET", "": break
    case "VALID":
      before = [Int](repeating: 0, count: axes)
      after = before
    case "SAME_UPPER", "SAME_LOWER":
      for axis in 0..<axes {
        let span = (kernel[axis] - 1) * dilations[axis] + 1
        let positions = (spatial[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (positions - 1) * strides[axis] + span - spatial[axis])
        let smaller = total / 2
        before[axis] = automatic == "SAME_UPPER" ? smaller : total - smaller
        after[axis] = total - before[axis]
      }
    default:
      throw node.error(
        .unsupportedAttribute, "auto_pad is \(automatic.prefix(40))",
        remedy: "Use NOTSET, VALID, SAME_UPPER or SAME_LOWER.")
    }
    let isFlat = axes == 1
    self.kernel = Extent(height: isFlat ? 1 : kernel[0], width: kernel[axes - 1])
    self.strides = Extent(height: isFlat ? 1 : strides[0], width: strides[axes - 1])
    self.dilations = Extent(height: isFlat ? 1 : dilations[0], width: dilations[axes - 1])
    padding = Padding(
      top: isFlat ? 0 : before[0], left: before[axes - 1], bottom: isFlat ? 0 : after[0],
      right: after[axes - 1])
  }
}
