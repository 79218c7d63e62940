import Foundation

/// One line to a client: what it asked for, or why not.
package enum ControlAnswer: Sendable, Equatable {
  /// A JSON object, as bytes.
  case result([UInt8])
  case failure(ControlError)

  /// Encodes a result; a value that cannot be encoded, or is too long, becomes a failure.
  package init(_ value: some Encodable) {
    do {
      let bytes = [UInt8](try Self.encoder().encode(value))
      self =
        bytes.count < ControlProtocol.answerLimit - 128
        ? .result(bytes)
        : .failure(
          ControlError(
            .tooLarge, "the answer would have \(bytes.count) bytes", remedy: "ask for less with \"limit\""))
    } catch {
      self = .failure(ControlError(.io, "the answer cannot be written as JSON: \(error)"))
    }
  }

  /// Keys in order, so that the same answer is the same line; never a newline inside.
  static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    return encoder
  }

  static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    return decoder
  }

  /// The answer as a line, newline included; without a number when the request had none to read.
  func line(id: Int?) -> [UInt8] {
    let number = id.map(String.init) ?? "null"
    switch self {
    case .result(let bytes): return Array("{\"id\":\(number),\"result\":".utf8) + bytes + Array("}\n".utf8)
    case .failure(let error):
      let bytes = (try? Self.encoder().encode(error)).map { [UInt8]($0) } ?? Array("{}".utf8)
      return Array("{\"error\":".utf8) + bytes + Array(",\"id\":\(number)}\n".utf8)
    }
  }
}
