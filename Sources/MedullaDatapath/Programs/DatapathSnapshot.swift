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
  /// What inputs and outputs mean, of a network that decides about flows.
  package var flows: FlowInterface? {
    if case .shape(let shape) = shape { shape.flows } else { nil }
  }
  /// Compiled objects, by the program's name. Nothing is compiled on the way into the kernel.
  package let objects: [String: CompiledProgram]
  /// Of the bundle that it came from; nil: of none.
  package let bundlePath: String?

  package init(
    name: String, inputs: Int, outputs: Int, image: [Int64], digest: [UInt8], shape: Shape,
    objects: [String: CompiledProgram] = [:], bundlePath: String? = nil, featureFractionBits: Int = 16,
    outputFractionBits: Int = 16
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
    self.bundlePath = bundlePath
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

  /// A program's object as it was compiled.
  ///
  /// One that another version compiled may read the image in another way or lack what this one expects.
  ///
  /// - Throws: `wrongShape`; `missingProgram` and `foreignVersion` with the command that makes the object.
  package func object(of program: ProgramSource) throws(DatapathError) -> [UInt8] {
    try program.sizes.check(self, for: program.name)
    guard program.accepts(self) else {
      throw otherInputs(than: program)
    }
    guard let object = objects[program.name] else {
      throw DatapathError(
        .missingProgram, "\(bundlePath ?? name) has no program \(program.name)", remedy: compileCommand())
    }
    guard object.sources == program.digest(for: shapeDigest) else {
      throw DatapathError(
        .foreignVersion,
        "the program \(program.name) of \(bundlePath ?? name) was compiled by another version, "
          + "or for another shape", remedy: compileCommand())
    }
    return object.bytes
  }

  private func otherInputs(than program: ProgramSource) -> DatapathError {
    let of = flows.map { $0.isOfPaths ? "paths" : "flows" }
    let message =
      switch (program.inputs, of) {
      case (.paths, _): "\(name) names no feature of a path among its inputs"
      case (.flows, .some("paths")): "\(name) is a network over features of paths"
      case (.flows, _): "\(name) does not say which features of flows its inputs are"
      default:
        "\(name) is a network over features of \(of ?? "flows"), and \(program.name) has features of its own"
      }
    return DatapathError(
      .badBundle, message,
      remedy: "compile its model with --features FILE for classification, scheduling and paths, without it "
        + "for other functions")
  }

  /// Makes the programs of a bundle anew, or one of the user's own.
  ///
  /// - Parameter source: the user's `.bpf.c`; nil: those that the bundle has.
  package func compileCommand(source: String? = nil) -> String {
    let program = source.map { " --program \($0)" } ?? ""
    guard let bundlePath else {
      return "compile its model where there is clang, and use that bundle: "
        + "`medulla compile MODEL --calibration FILE\(program) -o BUNDLE`"
    }
    return "where there is clang: `medulla compile \(bundlePath)\(program)`"
  }

  /// Names of the user's own functions that it carries, sorted.
  package var ownPrograms: [String] { objects.filter { $0.value.text != nil }.keys.sorted() }

  /// The source of a user's own function that it carries.
  package func ownProgram(_ name: String) -> ProgramSource? {
    guard let text = objects[name]?.text else { return nil }
    return ProgramSource(name: name, inputs: .given, files: [ProgramSource.sourceName(name): text])
  }
}

/// An object of a bundle.
package struct CompiledProgram: Sendable, Equatable {
  package let bytes: [UInt8]
  /// The digest of all that it was compiled from (`ProgramSource.digest(for:)`).
  package let sources: String
  /// Of a user's own function: its source, from which another version can make it again.
  package let text: String?

  package init(bytes: [UInt8], sources: String, text: String? = nil) {
    self.bytes = bytes
    self.sources = sources
    self.text = text
  }
}
