import MedullaModel
import MedullaSnapshot

/// Puts a program together: `struct step` field by field, and behind the steps what they refer to.
struct DeviceProgramWriter {
  var words: [Int64]

  var end: Int { words.count }

  init(steps: Int) {
    words = Array(repeating: 0, count: DeviceProgram.headWords + steps * DeviceProgram.stepWords)
  }

  /// The words of `struct step`, by their places there.
  private enum Field: Int {
    case kind, inputs, outputs, shift
    case function, low, high, slope, slopeShift, table
    case weights, bias, multipliers
    case channels, height, width, outChannels, outHeight, outWidth
    case kernelHeight, kernelWidth, strideHeight, strideWidth
    case dilationHeight, dilationWidth, top, left, groups
    case variant, rows, unit
  }

  private struct Target {
    let base: Int
    var fields: [(Field, Int64)] = []

    mutating func set(_ field: Field, _ value: Int) { fields.append((field, Int64(value))) }
    mutating func set(_ field: Field, _ value: Int64) { fields.append((field, value)) }
  }

  /// - Returns: where it is.
  mutating func add(table: FunctionTable, lines: [TableEntry]) -> Int {
    let place = end
    words += [table.maximumCoordinate, Int64(table.fractionBits), Int64(table.guardBits), 0]
    words += lines.map(\.word)
    return place
  }

  private mutating func add(_ values: [Int64]) -> Int {
    let place = end
    words += values
    return place
  }

  /// Two to a word, the first in the low half.
  private mutating func add(halves: [Int32]) -> Int {
    let place = end
    words.reserveCapacity(end + (halves.count + 1) / 2)
    for index in stride(from: 0, to: halves.count, by: 2) {
      let high = index + 1 < halves.count ? halves[index + 1] : 0
      words.append(TableEntry(intercept: halves[index], slope: high).word)
    }
    return place
  }

  mutating func add(_ step: Step, _ data: StepParameters, at index: Int, tables: [Int]) {
    var target = Target(base: DeviceProgram.headWords + index * DeviceProgram.stepWords)
    target.set(.inputs, step.inputCount)
    target.set(.outputs, step.outputCount)
    let clip: ClosedRange<Int64>? =
      switch data {
      case .linear(let linear): linear.clip
      case .map(let map): map.clip
      case .softmax, .none: nil
      }
    if let epilogue = step.epilogue { Self.set(epilogue, clip, tables, &target) }
    if case .linear(let linear) = data {
      target.set(.weights, add(halves: linear.weights))
      target.set(.bias, add(linear.bias))
      target.set(.multipliers, add(linear.multipliers))
    }
    set(step, data, tables, &target)
    for (field, value) in target.fields { words[target.base + field.rawValue] = value }
  }

  private static func set(
    _ epilogue: Epilogue, _ clip: ClosedRange<Int64>?, _ tables: [Int], _ target: inout Target
  ) {
    target.set(.shift, epilogue.shift)
    func bound(_ low: Int64, _ high: Int64, _ function: DeviceProgram.Function) {
      target.set(.function, function.rawValue)
      target.set(.low, low)
      target.set(.high, high)
    }
    switch epilogue.function {
    case .identity: break
    case .clamp(let low, let high): bound(low, high, .clamp)
    case .clip: if let clip { bound(clip.lowerBound, clip.upperBound, .clamp) }
    case .leaky(let slope, let shift, let limit):
      bound(-limit, limit, .leaky)
      target.set(.slope, slope)
      target.set(.slopeShift, shift)
    case .table(let index):
      target.set(.function, DeviceProgram.Function.table.rawValue)
      target.set(.table, tables[index])
    }
  }

  private mutating func set(_ step: Step, _ data: StepParameters, _ tables: [Int], _ target: inout Target) {
    func kind(_ kind: DeviceProgram.Kind) { target.set(.kind, kind.rawValue) }
    switch step {
    case .dense: kind(.dense)
    case .convolution(let convolution):
      kind(.convolution)
      Self.set(convolution, &target)
    case .pad(let pad):
      kind(.pad)
      Self.set(channels: pad.channels, pad.height, pad.width, pad.outputHeight, pad.outputWidth, &target)
      target.set(.top, pad.padding.top)
      target.set(.left, pad.padding.left)
    case .pool(let pool):
      kind(.pool)
      Self.set(pool, &target)
    case .gather(let gather):
      kind(.gather)
      target.set(.weights, add(halves: gather.indices.map { Int32(truncatingIfNeeded: $0) }))
    case .map:
      kind(.map)
      guard case .map(let map) = data else { return }
      target.set(.bias, add([map.bias]))
      target.set(.multipliers, add([map.multiplier]))
    case .softmax(let softmax):
      kind(.softmax)
      guard case .softmax(let multiplier) = data else { return }
      target.set(.multipliers, add([multiplier]))
      target.set(.shift, softmax.shift)
      target.set(.table, tables[softmax.table])
      target.set(.rows, softmax.rows)
      target.set(.unit, softmax.unit)
    case .argmax(let argmax):
      kind(.argmax)
      target.set(.unit, argmax.unit)
    }
  }

  private static func set(
    channels: Int, _ height: Int, _ width: Int, _ outHeight: Int, _ outWidth: Int, _ target: inout Target
  ) {
    target.set(.channels, channels)
    target.set(.height, height)
    target.set(.width, width)
    target.set(.outHeight, outHeight)
    target.set(.outWidth, outWidth)
  }

  private static func set(_ kernel: Extent, strides: Extent, _ target: inout Target) {
    target.set(.kernelHeight, kernel.height)
    target.set(.kernelWidth, kernel.width)
    target.set(.strideHeight, strides.height)
    target.set(.strideWidth, strides.width)
  }

  private static func set(_ step: ConvolutionStep, _ target: inout Target) {
    set(
      channels: step.inputChannels, step.height, step.width, step.outputHeight, step.outputWidth, &target)
    set(step.kernel, strides: step.strides, &target)
    target.set(.outChannels, step.outputChannels)
    target.set(.dilationHeight, step.dilations.height)
    target.set(.dilationWidth, step.dilations.width)
    target.set(.groups, step.groups)
  }

  private static func set(_ step: PoolStep, _ target: inout Target) {
    set(channels: step.channels, step.height, step.width, step.outputHeight, step.outputWidth, &target)
    set(step.kernel, strides: step.strides, &target)
    target.set(.top, step.padding.top)
    target.set(.left, step.padding.left)
    let kind: DeviceProgram.PoolKind =
      switch step.kind {
      case .maximum: .maximum
      case .average: .average
      case .averageCountingPadding: .averageCountingPadding
      }
    target.set(.variant, kind.rawValue)
  }
}
