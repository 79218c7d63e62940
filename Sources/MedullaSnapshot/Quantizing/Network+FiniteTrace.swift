import MedullaModel

extension Network {
  /// The float outputs of every layer, all finite.
  ///
  /// - Throws: `badCalibration` when the sample does not fit, or a layer leaves float32 on it: what is not a
  ///   number can neither be quantized nor compared with.
  func finiteTrace(of sample: [Float], by reference: FloatReference) throws(SnapshotError) -> [[Float]] {
    let trace: [[Float]]
    do {
      trace = try reference.trace(sample)
    } catch {
      throw SnapshotError(.badCalibration, error.message, remedy: error.remedy)
    }
    if let layer = trace.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
      let widest = sample.indices.max { abs(sample[$0]) < abs(sample[$1]) } ?? 0
      throw SnapshotError(
        .badCalibration,
        "layer \(layer) (\(layers[layer].kind)) leaves float32 on a sample whose feature \(widest) is "
          + "\(sample.isEmpty ? 0 : sample[widest])",
        remedy: "Remove calibration samples with values of such a size; no live input has them.")
    }
    return trace
  }
}
