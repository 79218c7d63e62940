import Foundation

/// What a bundle says about itself: the JSON of `medulla compile --json` and of `manifest.json`.
public struct BundleManifest: Hashable, Sendable, Codable {
  public struct Program: Hashable, Sendable, Codable {
    public let function: String
    /// Of the object file.
    public let bytes: Int
    /// What the verifier walked through; absent when it was not asked.
    public let verifiedInstructions: Int?
    /// Why it was not asked.
    public let note: String?

    public init(function: String, bytes: Int, verifiedInstructions: Int?, note: String? = nil) {
      self.function = function
      self.bytes = bytes
      self.verifiedInstructions = verifiedInstructions
      self.note = note
    }

    enum CodingKeys: String, CodingKey {
      case function, bytes, note
      case verifiedInstructions = "verified_instructions"
    }
  }

  /// Relative errors are parts of the float output's range, over calibration and held-out samples.
  public struct ErrorSummary: Hashable, Sendable, Codable {
    public let meanRelative: Double
    public let p99Relative: Double
    public let maxRelative: Double
    public let calibrationMeanRelative: Double
    public let heldOutMeanRelative: Double
    public let generatedMeanRelative: Double
    /// In the output's units.
    public let mean: Double
    public let p99: Double
    public let max: Double

    public init(_ report: AccuracyReport) {
      meanRelative = report.overall.meanRelative
      p99Relative = report.overall.p99Relative
      maxRelative = report.overall.maximumRelative
      calibrationMeanRelative = report.calibration.meanRelative
      heldOutMeanRelative = report.heldOut.meanRelative
      generatedMeanRelative = report.generated.meanRelative
      mean = report.overall.mean
      p99 = report.overall.p99
      max = report.overall.maximum
    }

    enum CodingKeys: String, CodingKey {
      case mean, p99, max
      case meanRelative = "mean_relative"
      case p99Relative = "p99_relative"
      case maxRelative = "max_relative"
      case calibrationMeanRelative = "calibration_mean_relative"
      case heldOutMeanRelative = "held_out_mean_relative"
      case generatedMeanRelative = "generated_mean_relative"
    }
  }

  public let name: String
  public let scheme: String
  public let shape: String
  /// SHA-256 of the snapshot file.
  public let digest: String
  public let inputs: Int
  public let outputs: Int
  public let error: ErrorSummary
  /// Where the error arises.
  public let steps: [StepAccuracy]
  public let programs: [Program]

  public init(_ file: SnapshotFile, report: AccuracyReport, programs: [Program]) {
    name = file.snapshot.record.networkName
    scheme = file.snapshot.shape.scheme.title
    shape = file.snapshot.shape.description
    digest = file.digest
    inputs = file.snapshot.shape.inputs
    outputs = file.snapshot.shape.outputs
    error = ErrorSummary(report)
    steps = report.steps
    self.programs = programs
  }

  /// - Throws: `malformedFile`.
  init(data: Data, path: String) throws(SnapshotError) {
    do {
      self = try JSONDecoder().decode(BundleManifest.self, from: data)
    } catch {
      throw SnapshotError(
        .malformedFile, "the manifest of \(path) cannot be read: \(error)",
        remedy: "Compile the bundle again.")
    }
  }

  /// The manifest as JSON, keys sorted.
  public func data() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}
