import MedullaBase
import MedullaCodegen
import MedullaKernel
import MedullaSnapshot

/// What the kernel gets of one snapshot: the words of a slot, and the programs of its shape.
package struct DatapathSnapshot: Sendable {
  package let name: String
  package let inputs: Int
  package let outputs: Int
  /// Fraction bits of features and outputs.
  package let featureFractionBits: Int
  package let outputFractionBits: Int
  /// The words of a slot.
  package let image: [Int64]
  /// SHA-256 of the snapshot's file.
  package let digest: [UInt8]
  /// Equal digests mean that one program serves both snapshots.
  package let shapeDigest: [UInt8]
  private let shape: Shape
  /// Compiled objects, by the program's name; one that is missing is compiled when it is needed.
  package let objects: [String: CompiledProgram]

  package init(
    name: String, inputs: Int, outputs: Int, image: [Int64], digest: [UInt8], shape: Shape,
    objects: [String: CompiledProgram] = [:], featureFractionBits: Int = 16, outputFractionBits: Int = 16
  ) throws {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.featureFractionBits = featureFractionBits
    self.outputFractionBits = outputFractionBits
    self.image = image
    self.digest = digest
    self.shape = shape
    shapeDigest = try shape.digest
    self.objects = objects
  }

  /// What programs are compiled from, beside their sources.
  package enum Shape: Sendable {
    /// Its C is written when a program must be compiled.
    case shape(ProgramShape)
    /// C that is there already.
    case header(String)

    var digest: [UInt8] {
      get throws {
        switch self {
        case .shape(let shape): try ProgramHeader.digest(of: shape)
        case .header(let text): SHA256.hash(Array(text.utf8))
        }
      }
    }
  }

  /// The C header of the shape; the programs depend on nothing else of the network.
  ///
  /// - Throws: `CodegenError` when the shape needs a program that the kernel would not load.
  package var header: String {
    get throws {
      switch shape {
      case .shape(let shape): try ProgramHeader(shape: shape).text
      case .header(let text): text
      }
    }
  }

  var formats: FunctionFormats {
    FunctionFormats(
      inputs: inputs, outputs: outputs, featureFractionBits: featureFractionBits,
      outputFractionBits: outputFractionBits)
  }

  /// - Throws: `badBundle` when a loaded program takes images of another size.
  func checkSlots(of slots: BPFMap) throws(DatapathError) {
    guard slots.valueSize == image.count * 8 else {
      throw DatapathError(
        .badBundle,
        "the program of \(name) takes images of \(slots.valueSize) bytes, the snapshot has "
          + "\(image.count * 8)",
        remedy: "compile the bundle again")
    }
  }

  var identity: Router.Identity { Router.Identity(digest: digest, shape: shapeDigest, name: name) }

  /// A program's object, from the bundle or compiled now.
  ///
  /// One that another version compiled may read the image in another way or lack what this one expects: it is
  /// compiled again.
  package func object(of program: ProgramSource) throws -> [UInt8] {
    try program.sizes.check(self, for: program.name)
    if let object = objects[program.name], object.sources == program.digest(for: shapeDigest) {
      return object.bytes
    }
    return try program.object(header: header, compiler: BPFCompiler())
  }
}

/// An object of a bundle.
package struct CompiledProgram: Sendable, Equatable {
  package let bytes: [UInt8]
  /// The digest of all that it was compiled from (`ProgramSource.digest(for:)`).
  package let sources: String

  package init(bytes: [UInt8], sources: String) {
    self.bytes = bytes
    self.sources = sources
  }
}
