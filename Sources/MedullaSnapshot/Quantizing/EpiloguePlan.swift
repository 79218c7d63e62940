import MedullaModel

/// What a layer's sums become: the epilogue's function and the meaning of its integers.
struct EpiloguePlan {
  let function: Epilogue.Function
  /// The float value of one step of v.
  let unit: Double
  /// The float value at v = 0.
  let origin: Double
  /// v stands for gain · sum + offset.
  let gain: Double
  let offset: Double
  /// The float value of an output integer of 1.
  let outputScale: Double
  let clip: ClosedRange<Int64>?

  init(
    function: Epilogue.Function, unit: Double, origin: Double = 0, gain: Double = 1, offset: Double = 0,
    outputScale: Double? = nil, clip: ClosedRange<Int64>? = nil
  ) {
    self.function = function
    self.unit = unit
    self.origin = origin
    self.gain = gain
    self.offset = offset
    self.outputScale = outputScale ?? unit
    self.clip = clip
  }

  /// Fraction bits of a leaky slope.
  static let slopeBits = 16
  /// Outputs in fixed point are not cut to an activation format, only kept inside 62 bits.
  private static let unlimited = Int64.max >> 1

  /// - Parameters:
  ///   - reach: the largest magnitude of the layer's float outputs.
  ///   - outputBits: fraction bits when this is the network's output, else `nil`.
  ///   - table: the place of the activation's table in the shape.
  static func plan(
    _ activation: Activation?, reach: Double, scheme: QuantizationScheme, outputBits: Int?, table: Int?
  ) throws(SnapshotError) -> EpiloguePlan {
    let limit = outputBits == nil ? scheme.activationLimit : unlimited
    let one = outputBits.map { Int64(1) << Int64($0) } ?? scheme.activationLimit
    let unit =
      outputBits.map { Double(sign: .plus, exponent: -$0, significand: 1) }
      ?? max(reach, 1e-30) / Double(limit)
    switch activation {
    case nil:
      return EpiloguePlan(
        function: outputBits == nil ? .clamp(low: -limit, high: limit) : .identity, unit: unit)
    case .relu: return EpiloguePlan(function: .clamp(low: 0, high: limit), unit: unit)
    case .clip(let minimum, let maximum):
      let low = bound(minimum, unit: unit, limit: limit)
      return EpiloguePlan(
        function: .clip, unit: unit, clip: low...max(low, bound(maximum, unit: unit, limit: limit)))
    case .leakyRelu(let slope):
      guard abs(slope) < 65536 else {
        throw SnapshotError(.unsupportedLayer, "a leakyRelu has slope \(slope), beyond ±65536")
      }
      let multiplier = Int64((Double(slope) * Double(Int64(1) << Int64(slopeBits))).rounded())
      return EpiloguePlan(
        function: .leaky(multiplier: multiplier, shift: slopeBits, limit: limit), unit: unit)
    case .hardSigmoid(let alpha, let beta):
      return EpiloguePlan(
        function: .clamp(low: 0, high: one), unit: 1 / Double(one), gain: Double(alpha), offset: Double(beta))
    case .tanh, .sigmoid:
      let spec = FunctionTable(
        function: activation == .tanh ? .tanh : .sigmoid, amplitude: one, scheme: scheme)
      return EpiloguePlan(
        function: .table(index: table ?? 0), unit: spec.step, origin: spec.lowerBound,
        outputScale: 1 / Double(one))
    }
  }

  private static func bound(_ value: Float, unit: Double, limit: Int64) -> Int64 {
    Int64(exactly: min(max((Double(value) / unit).rounded(), -0x1p60), 0x1p60)).map {
      min(max($0, -limit), limit)
    } ?? 0
  }
}
