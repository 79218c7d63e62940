import InferenceCases
import MedullaModel
import MedullaRuntime
import MedullaSnapshot

/// Holds a snapshot's error report to what its scheme allows, and any runtime to that report, with float
/// outputs that somebody else computed.
///
/// Equal bits alone would not do: an integer pool that takes the wrong window can do so everywhere.
package struct AccuracyConformance: Sendable {
  private let example: AccuracyCase
  private let snapshot: Snapshot
  private let report: AccuracyReport
  /// The samples that the quantizer saw, within whose ranges the report's bound stands.
  private let shown: [[Float]]
  private let expected: [[Float]]
  /// How far apart the float outputs lie.
  private let span: Double

  /// - Parameters:
  ///   - expected: the float outputs for the case's samples.
  ///   - snapshot: what became of the network; by default what the quantizer makes of it.
  package init(_ example: AccuracyCase, expected: [[Float]], snapshot: Snapshot? = nil) throws {
    let calibration = Calibration(samples: example.samples)
    let made =
      try snapshot
      ?? Quantizer(QuantizerOptions(scheme: example.scheme)).quantize(
        example.network, calibration)
    self.example = example
    self.snapshot = made
    report = try AccuracyReport(made, example.network, calibration)
    shown = CalibrationSplit(calibration, for: example.network).calibration
    let kept = Set(shown)
    self.expected = zip(example.samples, expected).filter { kept.contains($0.0) }.map(\.1)
    let values = expected.joined()
    span = Double(values.max() ?? 0) - Double(values.min() ?? 0)
  }

  /// The largest error that a scheme may have on samples of its calibration, as a part of the span of all
  /// outputs. Set before measuring: a step of 2⁻¹⁵ or 2⁻⁷ of a tensor's range, for the few layers and the
  /// tens of terms of these networks.
  package static func allowed(_ scheme: QuantizationScheme) -> Double {
    switch scheme {
    case .w16a16: 0.005
    case .w8a16: 0.06
    // Two bits more than the one below; its weights are as coarse.
    case .w8a10: 0.08
    case .w8a8: 0.12
    }
  }

  /// What the report admits beyond what the scheme allows; empty when all is well.
  package func breachesOfReport() throws -> [String] {
    if example.network.layers.last == .argmax { return try breachesOfClass() }
    let allowed = Self.allowed(example.scheme) * span
    return report.calibration.maximum <= allowed
      ? [] : ["\(example.name): the report has errors up to \(report.calibration.maximum) of \(span)"]
  }

  /// What the runtime does beyond the report's bound.
  package func breaches(of runtime: any Runtime) throws -> [String] {
    let loaded = try runtime.load(CompiledNetwork(SnapshotFile(snapshot), network: example.network))
    let outputs = try loaded.run(values: shown)
    guard outputs.count == expected.count else { return ["\(outputs.count) rows for \(expected.count)"] }
    // Beside the report's error: what float32 and fixed point round.
    let unit = 1 / Double(Int64(1) << Int64(snapshot.shape.outputFractionBits))
    let bound = report.calibration.maximum + 1e-5 * span + unit
    var breaches: [String] = []
    for (row, (given, wanted)) in zip(outputs, expected).enumerated() {
      for (value, float) in zip(given, wanted) where abs(value - Double(float)) > bound {
        breaches.append("\(example.name), row \(row): \(value) for \(float), beyond \(bound)")
      }
    }
    return breaches
  }

  /// The class must be one that the float network holds for nearly the best.
  private func breachesOfClass() throws -> [String] {
    let head = try Network(
      name: example.name, inputShape: example.network.inputShape,
      layers: Array(example.network.layers.dropLast()))
    let reference = FloatReference(head)
    let interpreter = ReferenceInterpreter(snapshot)
    let scores = try shown.map { try reference.run($0) }
    let values = scores.joined()
    let span = Double(values.max() ?? 0) - Double(values.min() ?? 0)
    var breaches: [String] = []
    for (sample, scores) in zip(shown, scores) {
      let chosen = Int(interpreter.run(sample).first?.rounded() ?? -1)
      let best = Double(scores.max() ?? 0)
      guard scores.indices.contains(chosen),
        best - Double(scores[chosen]) <= 2 * Self.allowed(example.scheme) * span
      else {
        breaches.append("\(example.name): class \(chosen) of \(scores)")
        continue
      }
    }
    return breaches
  }
}
