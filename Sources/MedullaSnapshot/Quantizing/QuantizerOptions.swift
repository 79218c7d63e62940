/// What the quantizer may choose, and how.
package struct QuantizerOptions: Hashable, Sendable {
  package var scheme: QuantizationScheme
  package var featureFractionBits: Int
  package var outputFractionBits: Int
  /// Ranges reach from the (100 − p)th to the pth percentile of what calibration saw; 100 is minimum and
  /// maximum.
  package var percentile: Double
  /// How far a calibrated range is widened on each side, as a part of its width. Live features beyond it
  /// saturate. Ranges that the caller gives are taken as they are.
  package var headroom: Double
  /// Rounds weights together so that their errors cancel on the calibration samples, instead of each to the
  /// nearest integer.
  package var compensatesErrors: Bool
  /// The shape of a running program that the new snapshot must fit.
  package var matching: ProgramShape?
  /// What inputs and outputs mean, of a network that decides about flows.
  package var flows: FlowInterface?

  package init(
    scheme: QuantizationScheme = .w8a16, featureFractionBits: Int = 16, outputFractionBits: Int = 16,
    percentile: Double = 100, headroom: Double? = nil, compensatesErrors: Bool = true,
    matching: ProgramShape? = nil, flows: FlowInterface? = nil
  ) {
    self.scheme = scheme
    self.featureFractionBits = featureFractionBits
    self.outputFractionBits = outputFractionBits
    self.percentile = percentile
    self.headroom = headroom ?? scheme.standardHeadroom
    self.compensatesErrors = compensatesErrors
    self.matching = matching
    self.flows = flows
  }

  /// The options as one line, for the record of a snapshot.
  var canonical: String {
    "scheme=\(scheme.rawValue) feature_bits=\(featureFractionBits) output_bits=\(outputFractionBits) "
      + "percentile=\(percentile) headroom=\(headroom) compensates=\(compensatesErrors)"
  }

  func check() throws(SnapshotError) {
    guard SnapshotLimits.fractionBits.contains(featureFractionBits),
      SnapshotLimits.fractionBits.contains(outputFractionBits)
    else {
      throw SnapshotError(
        .badCalibration,
        "fraction bits must lie in \(SnapshotLimits.fractionBits.lowerBound) to "
          + "\(SnapshotLimits.fractionBits.upperBound)")
    }
    guard percentile > 50, percentile <= 100, headroom >= 0, headroom <= 1000 else {
      throw SnapshotError(
        .badCalibration, "percentile \(percentile) and headroom \(headroom) are out of range",
        remedy: "Give a percentile above 50 and up to 100, and a headroom of 0 or more.")
    }
    if let matching {
      guard matching.scheme == scheme, matching.featureFractionBits == featureFractionBits,
        matching.outputFractionBits == outputFractionBits
      else {
        throw SnapshotError(
          .shapeMismatch,
          "the program to match is \(matching.scheme.title) with other formats than asked for",
          remedy: "Quantize with the scheme and fraction bits of the running program.")
      }
    }
  }
}
