import Foundation
import MedullaKernel

/// The compiled programs of one shape.
public struct BundlePrograms: Sendable {
  /// One program of a bundle.
  public struct Entry: Codable, Sendable, Equatable {
    public let function: String
    /// Of the object file.
    public let bytes: Int
    /// What the verifier walked through, over the whole object; null when it was not asked.
    @Nullable public private(set) var verifiedInstructions: Int?
    /// Why it was not asked; null when it was.
    @Nullable public private(set) var note: String?

    enum CodingKeys: String, CodingKey {
      case function, bytes, note
      case verifiedInstructions = "verified_instructions"
    }
  }

  public let objects: [DatapathFunction: [UInt8]]
  public let entries: [Entry]

  /// Compiles every function that a network of this size can serve, and has the kernel verify it where
  /// this process may.
  ///
  /// - Throws: when a program does not compile, or when the verifier refuses it.
  public static func build(header: String, inputs: Int, outputs: Int) throws -> BundlePrograms {
    let compiler = try BPFCompiler()
    var objects: [DatapathFunction: [UInt8]] = [:]
    var entries: [Entry] = []
    for function in DatapathFunction.allCases where function.accepts(inputs: inputs, outputs: outputs) {
      let object = try function.object(header: header, compiler: compiler)
      objects[function] = object
      let (verified, note) = try verify(object, function: function)
      entries.append(
        Entry(function: function.rawValue, bytes: object.count, verifiedInstructions: verified, note: note))
    }
    return BundlePrograms(objects: objects, entries: entries)
  }

  /// The file beside the objects that says which sources of ours they were compiled from.
  static let sourcesName = "sources.sha256"

  /// Writes each object under its function's name into `directory`, which must exist.
  public func write(to directory: URL) throws {
    for (function, object) in objects {
      try Data(object).write(to: directory.appendingPathComponent(function.objectName))
    }
    try Data((EmbeddedSources.digest + "\n").utf8).write(
      to: directory.appendingPathComponent(Self.sourcesName))
  }

  private static func verify(
    _ object: [UInt8], function: DatapathFunction
  ) throws -> (instructions: Int?, note: String?) {
    let opened = try BPFObject(bytes: object, name: function.rawValue)
    do {
      try opened.load()
    } catch {
      guard error.code != .verifier else { throw error }
      // No privilege or no kernel feature: the bundle is good, only unverified here.
      return (nil, "not verified here: \(error.reason.isEmpty ? error.message : error.reason)")
    }
    return try (
      opened.programNames.reduce(0) { try $0 + opened.loadedProgram($1).facts().verifiedInstructions }, nil
    )
  }
}
