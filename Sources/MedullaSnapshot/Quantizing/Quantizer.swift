import MedullaModel

/// Makes integer snapshots of float networks.
///
/// Layers are quantized in order; each sees the integers that the ones before it make of the calibration
/// samples, so its bias takes up what they lost. A pure function of its inputs: the same network, calibration
/// and options give the same bytes.
package struct Quantizer: Sendable {
  package let options: QuantizerOptions

  package init(_ options: QuantizerOptions = QuantizerOptions()) {
    self.options = options
  }

  /// The snapshot of a network.
  ///
  /// - Throws: `badCalibration`, `unsupportedLayer`, `notProven` with layer and channel, or `shapeMismatch`
  ///   when the options ask for a shape that the network does not fit.
  package func quantize(
    _ network: Network, _ calibration: Calibration
  ) throws(SnapshotError) -> Snapshot {
    try options.check()
    try calibration.check(for: network)
    var run = try QuantizationRun(network: network, calibration: calibration, options: options)
    return try run.finish()
  }

  /// The first scheme, cheapest first, whose mean error is at most `target` of the output's range on the
  /// calibration samples and on the ones kept back.
  ///
  /// - Throws: `errorTooLarge` with what each scheme reached, and as `quantize`.
  package func quantize(
    _ network: Network, _ calibration: Calibration, target: Double
  ) throws(SnapshotError) -> (snapshot: Snapshot, report: AccuracyReport) {
    var reached: [String] = []
    for scheme in QuantizationScheme.cheapestFirst {
      var options = options
      options.headroom =
        options.headroom == self.options.scheme.standardHeadroom
        ? scheme.standardHeadroom : options.headroom
      options.scheme = scheme
      do {
        let snapshot = try Quantizer(options).quantize(network, calibration)
        let report = try AccuracyReport(snapshot, network, calibration)
        if report.meets(target) { return (snapshot, report) }
        reached.append("\(scheme.title) \(report.worstMean)")
      } catch  where error.code == .notProven {
        reached.append("\(scheme.title) not proven")
      }
    }
    throw SnapshotError(
      .errorTooLarge,
      "no scheme has a mean error of at most \(target) of the output's range "
        + "(\(reached.joined(separator: ", ")))",
      remedy: "Allow a larger error, or give calibration samples that cover the inputs better.")
  }
}
