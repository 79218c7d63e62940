/// What happens to a sum before it is stored: v = (sum · multiplier) >> shift, then a function of v.
///
/// The multiplier is data, one for each output channel; the sum's bias holds the half that makes the shift
/// round to nearest. Everything here is a constant of the program.
package struct Epilogue: Hashable, Sendable, Codable {
  package enum Function: Hashable, Sendable, Codable {
    /// v as it is: the network's last layer, in output fixed point.
    case identity
    /// v cut to low…high.
    case clamp(low: Int64, high: Int64)
    /// v cut to two bounds that stand in the image, for a `clip` whose bounds depend on the scale.
    case clip
    /// v where v ≥ 0, else (v · multiplier + 2^(shift−1)) >> shift; then cut to ±limit.
    case leaky(multiplier: Int64, shift: Int, limit: Int64)
    /// v is a coordinate of table `index`; cut to its domain and looked up.
    case table(index: Int)
  }

  package let shift: Int
  package let function: Function

  package init(shift: Int, function: Function) {
    self.shift = shift
    self.function = function
  }
}
