/// What a custom function's file says of itself, by `MEDULLA_FUNCTION(name, inputs, outputs)`.
public struct FunctionRegistration: Equatable, Sendable {
  static let mapName = ".rodata.medulla"
  static let byteCount = 64
  private static let nameOffset = 16

  /// The program's name.
  public let name: String
  public let inputs: Int
  public let outputs: Int
  let interfaceVersion: UInt32

  /// From `struct medulla_registration`.
  ///
  /// - Parameter bytes: nil when the object has none.
  init(_ bytes: [UInt8]?, file: String) throws(DatapathError) {
    guard let bytes, bytes.count == Self.byteCount else {
      throw DatapathError(
        .badFunction, "\(file) registers no function",
        remedy: "add `MEDULLA_FUNCTION(program, inputs, outputs);` after the includes, once")
    }
    func word(_ index: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[4 * index + $1]) << UInt32(8 * $1) }
    }
    interfaceVersion = word(0)
    inputs = Int(word(1))
    outputs = Int(word(2))
    name = String(decoding: bytes[Self.nameOffset...].prefix { $0 != 0 }, as: UTF8.self)
    guard interfaceVersion == KernelLayout.interfaceVersion else {
      throw DatapathError(
        .foreignVersion,
        "\(file) was compiled for interface \(interfaceVersion), this one has "
          + "\(KernelLayout.interfaceVersion)",
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
