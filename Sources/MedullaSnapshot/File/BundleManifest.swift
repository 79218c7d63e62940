import Foundation
import MedullaBase
import MedullaModel

/// What a bundle says about itself: the JSON of `medulla compile --json` and of `manifest.json`.
package struct BundleManifest: Hashable, Sendable, Codable {
  package struct Program: Hashable, Sendable, Codable {
    package let function: String
    /// Of the object file.
    package let bytes: Int
    /// What the verifier walked through; absent when it was not asked.
    package let verifiedInstructions: Int?
    /// Why it was not asked.
    package let note: String?

    package init(function: String, bytes: Int, verifiedInstructions: Int?, note: String? = nil) {
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
  package struct ErrorSummary: Hashable, Sendable, Codable {
    package let meanRelative: Double
    package let p99Relative: Double
    package let maxRelative: Double
    package let calibrationMeanRelative: Double
    package let heldOutMeanRelative: Double
    package let generatedMeanRelative: Double
    /// In the output's units.
    package let mean: Double
    package let p99: Double
    package let max: Double

    package init(_ report: AccuracyReport) {
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

  package let name: String
  package let scheme: String
  package let shape: String
  /// SHA-256 of the snapshot file.
  package let digest: String
  package let inputs: Int
  package let outputs: Int
  package let error: ErrorSummary
  /// Where the error arises.
  package let steps: [StepAccuracy]
  package private(set) var programs: [Program]
  /// Why there are no programs; absent when there are.
  package private(set) var programsNote: String?
  /// The oldest kernel that takes the programs' instructions, such as `6.6`; absent where there are none, or
  /// a version before this one wrote the bundle.
  package private(set) var kernel: String?
  /// SHA-256 of the other files, by their paths in the bundle; absent where a version before this one wrote
  /// the bundle, or none was written.
  package internal(set) var files: [String: String]?

  enum CodingKeys: String, CodingKey {
    case name, scheme, shape, digest, inputs, outputs, error, steps, programs, files, kernel
    case programsNote = "programs_note"
  }

  package init(
    _ file: SnapshotFile, report: AccuracyReport, programs: [Program], programsNote: String? = nil,
    kernel: String? = nil
  ) {
    name = file.snapshot.record.networkName
    scheme = file.snapshot.shape.scheme.title
    shape = file.snapshot.shape.description
    digest = file.digest
    inputs = file.snapshot.shape.inputs
    outputs = file.snapshot.shape.outputs
    error = ErrorSummary(report)
    steps = report.steps
    self.programs = programs
    self.programsNote = programsNote
    self.kernel = kernel
  }

  /// The same snapshot with programs that were compiled anew.
  package func with(programs: [Program], note: String?, kernel: String?) -> BundleManifest {
    var manifest = self
    (manifest.programs, manifest.programsNote, manifest.kernel) = (programs, note, kernel)
    return manifest
  }

  /// - Throws: `malformedFile`.
  init(data: Data, path: String) throws(SnapshotError) {
    do {
      self = try JSONDecoder().decode(BundleManifest.self, from: data)
    } catch {
      throw SnapshotError(
        .malformedFile, "the manifest of \(path) cannot be read: \(DecodingMessage(error))",
        remedy: "Compile the bundle again.")
    }
  }

  /// The manifest as JSON, keys sorted.
  ///
  /// - Throws: `malformedFile` when one of its numbers is not finite.
  package func data() throws(SnapshotError) -> Data {
    do {
      return Data(try JSONText.encode(self, keys: .asNamed).utf8)
    } catch {
      throw SnapshotError(
        .malformedFile, "the manifest cannot be written: one of its numbers is not finite",
        remedy: "Check calibration samples for values far beyond the others.")
    }
  }
}
