/// What a bundle computes and what is proven of it: `medulla inspect`.
package struct SnapshotSummary: Sendable, Codable {
  /// One step of the program.
  package struct LayerSummary: Sendable, Codable {
    package let name: String
    package let kind: String
    package let inputs: Int
    package let outputs: Int
    package let outputScale: Double
    /// Absent for a step without sums, as are all fields below.
    package let terms: Int?
    package let packing: String?
    package let shift: Int?
    package let lowestSum: Int64?
    package let highestSum: Int64?
    package let worstChannel: Int?
    /// What a lane must hold: partial sums, without the bias where it is added behind the lanes.
    package let lowestLane: Int64?
    package let highestLane: Int64?
    /// What a lane holds on either side of 0: the bound that proves the packing.
    package let bound: Int64?
    package let largestProduct: Int64?
    package let lowestOutput: Int64?
    package let highestOutput: Int64?

    enum CodingKeys: String, CodingKey {
      case name, kind, inputs, outputs, terms, packing, shift, bound
      case outputScale = "output_scale"
      case lowestSum = "lowest_sum"
      case highestSum = "highest_sum"
      case worstChannel = "worst_channel"
      case lowestLane = "lowest_lane"
      case highestLane = "highest_lane"
      case largestProduct = "largest_product"
      case lowestOutput = "lowest_output"
      case highestOutput = "highest_output"
    }
  }

  package struct RangeSummary: Sendable, Codable {
    package let feature: Int
    package let low: Double
    package let high: Double
  }

  package let name: String
  package let scheme: String
  package let shape: String
  package let digest: String
  package let networkDigest: String
  package let calibrationDigest: String
  package let options: String
  package let inputName: String
  package let outputName: String
  package let imageBytes: Int
  package let error: BundleManifest.ErrorSummary
  package let accuracy: [StepAccuracy]
  /// What each feature may be before it saturates.
  package let ranges: [RangeSummary]
  package let layers: [LayerSummary]
  package let programs: [BundleManifest.Program]
  /// Why there are no programs; absent when there are.
  package let programsNote: String?

  enum CodingKeys: String, CodingKey {
    case name, scheme, shape, digest, options, error, accuracy, ranges, layers, programs
    case networkDigest = "network_digest"
    case calibrationDigest = "calibration_digest"
    case inputName = "input_name"
    case outputName = "output_name"
    case imageBytes = "image_bytes"
    case programsNote = "programs_note"
  }

  package init(_ bundle: SnapshotBundle) {
    let snapshot = bundle.snapshot
    let record = snapshot.record
    name = record.networkName
    scheme = snapshot.shape.scheme.title
    shape = snapshot.shape.description
    digest = bundle.file.digest
    networkDigest = record.networkDigest
    calibrationDigest = record.calibrationDigest
    options = record.options
    inputName = record.inputName
    outputName = record.outputName
    imageBytes = snapshot.layout.words * 8
    error = bundle.manifest.error
    accuracy = bundle.manifest.steps
    ranges = record.featureRanges.enumerated().map { RangeSummary(feature: $0, low: $1.low, high: $1.high) }
    programs = bundle.manifest.programs
    programsNote = bundle.manifest.programsNote
    layers = snapshot.shape.steps.enumerated().map { index, step in
      let proof = snapshot.proofs.first { $0.step == index }
      let known = record.steps.indices.contains(index)
      return LayerSummary(
        name: known ? record.steps[index].name : step.kind, kind: step.kind, inputs: step.inputCount,
        outputs: step.outputCount, outputScale: known ? record.steps[index].outputScale : 1,
        terms: proof?.terms, packing: proof?.packing.rawValue, shift: step.epilogue?.shift,
        lowestSum: proof?.lowestSum, highestSum: proof?.highestSum, worstChannel: proof?.worstChannel,
        lowestLane: proof?.lowestLane, highestLane: proof?.highestLane, bound: proof?.laneLimit,
        largestProduct: proof?.largestProduct, lowestOutput: proof?.lowestOutput,
        highestOutput: proof?.highestOutput)
    }
  }
}

extension SnapshotSummary {
  /// The summary for people.
  package var text: String {
    var lines = [
      "\(name): \(shape)",
      "digest       \(digest)",
      "network      \(networkDigest)",
      "calibration  \(calibrationDigest)",
      "options      \(options)",
      "image        \(imageBytes) bytes",
      "error        mean \(error.meanRelative), p99 \(error.p99Relative), max \(error.maxRelative) of range",
      "",
    ]
    for layer in layers {
      lines.append("\(layer.name): \(layer.inputs) to \(layer.outputs)")
      guard let packing = layer.packing, let low = layer.lowestSum, let high = layer.highestSum,
        let bound = layer.bound, let lowLane = layer.lowestLane, let highLane = layer.highestLane
      else { continue }
      lines.append("  packing    \(packing), \(layer.terms ?? 0) terms a sum")
      lines.append("  sums       \(low) to \(high) at worst (channel \(layer.worstChannel ?? 0))")
      lines.append("  bound      ±\(bound): proven, a lane holds \(lowLane) to \(highLane)")
      lines.append(
        "  outputs    \(layer.lowestOutput ?? 0) to \(layer.highestOutput ?? 0), 1 is \(layer.outputScale)")
    }
    if let programsNote { lines.append("programs     none: \(programsNote)") }
    lines.append("")
    for step in accuracy {
      lines.append("error after \(step.name): \(step.accumulated) of its range, \(step.own) its own")
    }
    lines.append("")
    for range in ranges {
      lines.append("feature \(range.feature) from \(range.low) to \(range.high)")
    }
    return lines.joined(separator: "\n")
  }
}
