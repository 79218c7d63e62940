/// The sizes of a function's network and the fixed point of its words.
public struct FunctionFormats: Sendable, Equatable {
  public let inputs: Int
  public let outputs: Int
  public let featureFractionBits: Int
  public let outputFractionBits: Int

  public init(inputs: Int, outputs: Int, featureFractionBits: Int = 16, outputFractionBits: Int = 16) {
    self.inputs = inputs
    self.outputs = outputs
    self.featureFractionBits = featureFractionBits
    self.outputFractionBits = outputFractionBits
  }
}
