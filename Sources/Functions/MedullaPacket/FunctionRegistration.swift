import CMedullaABI
import MedullaDatapath
import MedullaKernel

/// What a custom function's file says of itself, by `MEDULLA_FUNCTION(name, inputs, outputs)`.
package struct FunctionRegistration: Equatable, Sendable {
  static let mapName = ".rodata.medulla"

  /// The program's name.
  package let name: String
  package let inputs: Int
  package let outputs: Int
  let interfaceVersion: UInt32

  init(in object: BPFObject, file: String) throws {
    try self.init(object.initialBytes(ofMap: Self.mapName), file: file)
  }

  /// From `struct medulla_registration`.
  ///
  /// - Parameter bytes: nil when the object has none.
  init(_ bytes: [UInt8]?, file: String) throws(DatapathError) {
    guard let bytes, bytes.count == MemoryLayout<medulla_registration>.size else {
      throw DatapathError(
        .badFunction, "\(file) registers no function",
        remedy: "add `MEDULLA_FUNCTION(program, inputs, outputs);` after the includes, once")
    }
    let registration = bytes.withUnsafeBytes { $0.loadUnaligned(as: medulla_registration.self) }
    interfaceVersion = registration.interface_version
    inputs = Int(registration.inputs)
    outputs = Int(registration.outputs)
    name = withUnsafeBytes(of: registration.name) { raw in
      String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
    }
    guard interfaceVersion == ControlBlock.interfaceVersion else {
      throw DatapathError(
        .foreignVersion,
        "\(file) was compiled for interface \(interfaceVersion), this one has "
          + "\(ControlBlock.interfaceVersion)",
        remedy: "compile it with this version's medulla.bpf.h")
    }
  }

  /// - Throws: `wrongShape` with both sizes.
  func check(_ snapshot: DatapathSnapshot, file: String) throws(DatapathError) {
    guard (inputs, outputs) == (snapshot.inputs, snapshot.outputs) else {
      throw DatapathError(
        .wrongShape,
        "\(file) registers \(name) for \(inputs) inputs and \(outputs) outputs; \(snapshot.name) has "
          + "\(snapshot.inputs) and \(snapshot.outputs)",
        remedy: "give a network of those sizes, or change the function")
    }
  }
}
