/// The sizes of a function's network and the fixed point of its words.
package struct FunctionFormats: Sendable, Equatable {
  package let inputs: Int
  package let outputs: Int
  package let featureFractionBits: Int
  package let outputFractionBits: Int

  package init(inputs: Int, outputs: Int, featureFractionBits: Int = 16, outputFractionBits: Int = 16) {
    self.inputs = inputs
    self.outputs = outputs
    self.featureFractionBits = featureFractionBits
    self.outputFractionBits = outputFractionBits
  }
}
