import Foundation

/// One message of the adapter protocol and of the simulator's: a JSON header and tensors.
///
/// On the wire: header length and payload length as 32-bit little-endian words, the header, the payload. The
/// header's `tensors` names the arrays of the payload in their order.
/// `docs/reference/adapter-protocol.md` has an example byte by byte.
package struct TensorFrame: Sendable, Equatable {
  /// The header without `tensors`.
  package var fields: [String: FrameValue]
  package var tensors: [FrameTensor]

  package init(_ fields: [String: FrameValue], tensors: [FrameTensor] = []) {
    self.fields = fields
    self.tensors = tensors
  }

  /// - Throws: `tooLarge`, or `payloadMismatch` for a tensor whose data does not fit its shape.
  package func encoded() throws(FrameError) -> Data {
    guard tensors.count <= FrameLimits.tensors else {
      throw FrameError(.tooLarge, "\(tensors.count) tensors; a frame has at most \(FrameLimits.tensors)")
    }
    var length = 0
    for tensor in tensors {
      guard let bytes = FrameTensor.byteCount(tensor.element, tensor.shape), bytes == tensor.data.count else {
        throw FrameError(.payloadMismatch, "tensor \(tensor.name) has not the bytes of shape \(tensor.shape)")
      }
      length += bytes
      guard length <= FrameLimits.payloadBytes else { throw Self.payloadTooLarge(length) }
    }
    var object = fields
    if !tensors.isEmpty {
      object["tensors"] = .list(
        tensors.map {
          .object([
            "name": .text($0.name), "type": .text($0.element.rawValue),
            "shape": .list($0.shape.map { FrameValue($0) }),
          ])
        })
    }
    let header = try FrameValue.object(object).json()
    guard header.count <= FrameLimits.headerBytes else { throw Self.headerTooLarge(header.count) }
    var bytes = Data(capacity: FrameLimits.prefixBytes + header.count + length)
    for word in [UInt32(header.count), UInt32(length)] {
      withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }
    bytes.append(contentsOf: header)
    for tensor in tensors { bytes.append(tensor.data) }
    return bytes
  }

  /// - Throws: `malformedHeader`, `tooLarge`, `payloadMismatch`, `wrongContent`.
  static func decode(header: Data, payload: Data) throws(FrameError) -> TensorFrame {
    let parsed: Result<[String: FrameValue], FrameError> = header.withUnsafeBytes { bytes in
      Result { () throws(FrameError) in try FrameHeaderParser.object(bytes) }
    }
    var fields = try parsed.get()
    var tensors: [FrameTensor] = []
    var offset = payload.startIndex
    if let entries = fields.removeValue(forKey: "tensors") {
      guard let list = entries.list, list.count <= FrameLimits.tensors else {
        throw FrameError(.malformedHeader, "`tensors` is no list of at most \(FrameLimits.tensors)")
      }
      for entry in list {
        let (name, element, shape) = try description(of: entry)
        guard let bytes = FrameTensor.byteCount(element, shape), bytes <= payload.endIndex - offset else {
          throw FrameError(
            .payloadMismatch, "tensor \(name) of shape \(shape) does not fit in \(payload.count) bytes")
        }
        tensors.append(
          FrameTensor(name: name, element: element, shape: shape, data: payload[offset..<offset + bytes]))
        offset += bytes
      }
    }
    guard offset == payload.endIndex else {
      throw FrameError(.payloadMismatch, "\(payload.endIndex - offset) bytes of the payload are no tensor's")
    }
    return TensorFrame(fields, tensors: tensors)
  }

  private static func description(
    of entry: FrameValue
  ) throws(FrameError) -> (String, FrameTensor.Element, [Int]) {
    guard let object = entry.object, let name = object["name"]?.text,
      let element = object["type"]?.text.flatMap(FrameTensor.Element.init), let sizes = object["shape"]?.list,
      sizes.count <= FrameLimits.rank
    else {
      let types = FrameTensor.Element.allCases.map(\.rawValue).joined(separator: ", ")
      throw FrameError(
        .malformedHeader, "a tensor needs `name`, `type` (\(types)) and `shape` (at most \(FrameLimits.rank))"
      )
    }
    var shape: [Int] = []
    for size in sizes {
      guard let count = size.count else {
        throw FrameError(.malformedHeader, "tensor \(name) has a size that is no whole number")
      }
      shape.append(count)
    }
    return (name, element, shape)
  }

  static func headerTooLarge(_ count: Int) -> FrameError {
    FrameError(.tooLarge, "a header of \(count) bytes; at most \(FrameLimits.headerBytes) are allowed")
  }

  static func payloadTooLarge(_ count: Int) -> FrameError {
    FrameError(.tooLarge, "a payload of \(count) bytes; at most \(FrameLimits.payloadBytes) are allowed")
  }
}

extension TensorFrame {
  package func text(_ key: String) -> String? { fields[key]?.text }

  /// The tensor of that name and shape; `nil` in the shape stands for any size.
  /// - Throws: `wrongContent` that says what is there instead.
  package func tensor(_ name: String, shape: [Int?]) throws(FrameError) -> FrameTensor {
    guard let tensor = tensors.first(where: { $0.name == name }) else {
      let present = tensors.map(\.name).joined(separator: ", ")
      throw FrameError(.wrongContent, "no tensor `\(name)`; there are: \(present.isEmpty ? "none" : present)")
    }
    let fits =
      tensor.shape.count == shape.count && zip(tensor.shape, shape).allSatisfy { $1 == nil || $0 == $1 }
    guard fits else {
      let wanted = shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
      throw FrameError(.wrongContent, "tensor `\(name)` has shape \(tensor.shape), not [\(wanted)]")
    }
    return tensor
  }
}
