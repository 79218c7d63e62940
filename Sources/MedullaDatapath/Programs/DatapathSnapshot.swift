import Crypto
import MedullaKernel

/// What the kernel gets of one snapshot: the words of a slot, and the programs of its shape.
public struct DatapathSnapshot: Sendable {
  public let name: String
  public let inputs: Int
  public let outputs: Int
  /// Fraction bits of features and outputs.
  public let featureFractionBits: Int
  public let outputFractionBits: Int
  /// The words of a slot.
  public let image: [Int64]
  /// SHA-256 of the snapshot's file.
  public let digest: [UInt8]
  /// The C header of the shape; the programs depend on nothing else of the network.
  public let header: String
  /// Compiled objects, by function; one that is missing is compiled when it is needed.
  public let objects: [DatapathFunction: [UInt8]]

  public init(
    name: String, inputs: Int, outputs: Int, image: [Int64], digest: [UInt8], header: String,
    objects: [DatapathFunction: [UInt8]] = [:], featureFractionBits: Int = 16, outputFractionBits: Int = 16
  ) {
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.featureFractionBits = featureFractionBits
    self.outputFractionBits = outputFractionBits
    self.image = image
    self.digest = digest
    self.header = header
    self.objects = objects
  }

  /// SHA-256 of the header: equal digests mean that one program serves both snapshots.
  public var shapeDigest: [UInt8] { Array(SHA256.hash(data: Array(header.utf8))) }

  var formats: FunctionFormats {
    FunctionFormats(
      inputs: inputs, outputs: outputs, featureFractionBits: featureFractionBits,
      outputFractionBits: outputFractionBits)
  }

  /// - Throws: `badBundle` when a loaded program takes images of another size.
  func checkSlots(of object: BPFObject) throws {
    let slots = try object.loadedMap("medulla_slots")
    guard slots.valueSize == image.count * 8 else {
      throw DatapathError(
        .badBundle,
        "the program of \(name) takes images of \(slots.valueSize) bytes, the snapshot has "
          + "\(image.count * 8)",
        remedy: "compile the bundle again")
    }
  }

  var identity: Router.Identity { Router.Identity(digest: digest, shape: shapeDigest, name: name) }

  /// The function's object, from the bundle or compiled now.
  public func object(of function: DatapathFunction) throws -> [UInt8] {
    guard function.accepts(inputs: inputs, outputs: outputs) else {
      let wanted = function.requiredInputsAndOutputs ?? (inputs, outputs)
      throw DatapathError(
        .wrongShape,
        "\(name) has \(inputs) inputs and \(outputs) outputs; "
          + "\(function.rawValue) needs \(wanted.inputs) and "
          + "\(wanted.outputs)",
        remedy: "compile a network of that size, such as the shipped one")
    }
    if let object = objects[function] { return object }
    return try function.object(header: header, compiler: BPFCompiler())
  }
}
