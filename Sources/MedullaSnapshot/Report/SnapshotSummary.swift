/// What a bundle computes and what is proven of it: `medulla inspect`.
public struct SnapshotSummary: Sendable, Codable {
  /// One step of the program.
  public struct LayerSummary: Sendable, Codable {
    public let name: String
    public let kind: String
    public let inputs: Int
    public let outputs: Int
    public let outputScale: Double
    /// Absent for a step without sums, as are all fields below.
    public let terms: Int?
    public let packing: String?
    public let shift: Int?
    public let lowestSum: Int64?
    public let highestSum: Int64?
    public let worstChannel: Int?
    /// What a lane holds on either side of 0: the bound that proves the packing.
    public let bound: Int64?
    public let largestProduct: Int64?
    public let lowestOutput: Int64?
    public let highestOutput: Int64?

    enum CodingKeys: String, CodingKey {
      case name, kind, inputs, outputs, terms, packing, shift, bound
      case outputScale = "output_scale"
      case lowestSum = "lowest_sum"
      case highestSum = "highest_sum"
      case worstChannel = "worst_channel"
      case largestProduct = "largest_product"
      case lowestOutput = "lowest_output"
      case highestOutput = "highest_output"
    }
  }

  public struct RangeSummary: Sendable, Codable {
    public let feature: Int
    public let low: Double
    public let high: Double
  }

  public let name: String
  public let scheme: String
  public let shape: String
  public let digest: String
  public let networkDigest: String
  public let calibrationDigest: String
  public let options: String
  public let inputName: String
  public let outputName: String
  public let imageBytes: Int
  public let error: BundleManifest.ErrorSummary
  public let accuracy: [StepAccuracy]
  /// What each feature may be before it saturates.
  public let ranges: [RangeSummary]
  public let layers: [LayerSummary]
  public let programs: [BundleManifest.Program]

  enum CodingKeys: String, CodingKey {
    case name, scheme, shape, digest, options, error, accuracy, ranges, layers, programs
    case networkDigest = "network_digest"
    case calibrationDigest = "calibration_digest"
    case inputName = "input_name"
    case outputName = "output_name"
    case imageBytes = "image_bytes"
  }

  public init(_ bundle: SnapshotBundle) {
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
    imageBytes = snapshot.image.count * 8
    error = bundle.manifest.error
    accuracy = bundle.manifest.steps
    ranges = record.featureRanges.enumerated().map { RangeSummary(feature: $0, low: $1.low, high: $1.high) }
    programs = bundle.manifest.programs
    layers = snapshot.shape.steps.enumerated().map { index, step in
      let proof = snapshot.proofs.first { $0.step == index }
      let known = record.steps.indices.contains(index)
      return LayerSummary(
        name: known ? record.steps[index].name : step.kind, kind: step.kind, inputs: step.inputCount,
        outputs: step.outputCount, outputScale: known ? record.steps[index].outputScale : 1,
        terms: proof?.terms, packing: proof?.packing.rawValue, shift: step.epilogue?.shift,
        lowestSum: proof?.lowestSum, highestSum: proof?.highestSum, worstChannel: proof?.worstChannel,
        bound: proof?.laneLimit, largestProduct: proof?.largestProduct, lowestOutput: proof?.lowestOutput,
        highestOutput: proof?.highestOutput)
    }
  }
}

extension SnapshotSummary {
  /// The summary for people.
  public var text: String {
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
        let bound = layer.bound
      else { continue }
      lines.append("  packing    \(packing), \(layer.terms ?? 0) terms a sum")
      lines.append("  sums       \(low) to \(high) at worst (channel \(layer.worstChannel ?? 0))")
      lines.append("  bound      ±\(bound): \(low >= -bound - 1 && high <= bound ? "proven" : "not proven")")
      lines.append(
        "  outputs    \(layer.lowestOutput ?? 0) to \(layer.highestOutput ?? 0), 1 is \(layer.outputScale)")
    }
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
