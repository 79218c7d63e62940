import Foundation

/// The tensors of a safetensors file, found and checked; values are decoded when asked for.
///
/// The format: eight bytes with the header's length, a JSON header that gives every tensor's type, shape and
/// place, then the data (https://github.com/huggingface/safetensors, "Format"). The tensors must cover the
/// data without gap or overlap, as the format demands.
package struct SafetensorsFile: Sendable {
  /// The format's own limit for the header.
  package static let headerBytes = 100_000_000

  /// Where one tensor lies and how it is encoded.
  struct Entry: Decodable {
    let dtype: String
    let shape: [Int]
    let dataOffsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case dataOffsets = "data_offsets"
    }
  }

  private let entries: [String: Entry]
  private let data: Data
  private let start: Int

  /// The names of all tensors, sorted.
  package var names: [String] { entries.keys.sorted() }

  /// - Throws: `malformedFile` when the header is no valid one or its tensors do not fit the data.
  package init(_ data: Data) throws(ModelError) {
    self.data = data
    guard data.count >= 8 else {
      throw Self.malformed("the file has \(data.count) bytes; a header needs more")
    }
    let stated = LittleEndianBytes(data.prefix(8)).elements(UInt64.self) { $0 }[0]
    guard let length = Int(exactly: stated), length >= 2, length <= Self.headerBytes, length <= data.count - 8
    else {
      throw Self.malformed("the header is stated to have \(stated) bytes; the file has \(data.count)")
    }
    start = 8 + length
    let header = data.dropFirst(8).prefix(length)
    guard header.first == UInt8(ascii: "{") else { throw Self.malformed("the header does not begin with {") }
    do {
      entries = try JSONDecoder().decode(Header.self, from: Data(header)).entries
    } catch {
      throw Self.malformed("the header is not understood: \(DecodingMessage(error))")
    }
    try checkPlaces()
  }

  /// A tensor's shape and its values widened to float32.
  ///
  /// - Throws: `missingData` for an unknown name, `unsupportedType` for other types than F32, F16 and BF16.
  package func tensor(_ name: String) throws(ModelError) -> (shape: [Int], values: [Float]) {
    guard let entry = entries[name] else {
      throw ModelError(
        .missingData, "the safetensors file has no tensor \(name)",
        remedy: "It has: \(names.prefix(16).joined(separator: ", ")).")
    }
    let first = data.startIndex + start
    let bytes = LittleEndianBytes(data[first + entry.dataOffsets[0]..<first + entry.dataOffsets[1]])
    let values: [Float]
    switch entry.dtype {
    case "F32": values = bytes.elements(UInt32.self) { Float(bitPattern: $0) }
    case "F16": values = bytes.elements(UInt16.self, HalfPrecision.float(half:))
    case "BF16": values = bytes.elements(UInt16.self, HalfPrecision.float(bfloat16:))
    default:
      throw ModelError(
        .unsupportedType, "tensor \(name) is of type \(entry.dtype)",
        remedy: "Save the weights as F32, F16 or BF16.")
    }
    return (entry.shape, values)
  }

  private func checkPlaces() throws(ModelError) {
    guard entries.count <= ModelLimits.nodes else {
      throw Self.malformed("\(entries.count) tensors are too many")
    }
    for (name, entry) in entries {
      guard let size = Self.size(of: entry.dtype) else {
        throw Self.malformed("tensor \(name) is of the unknown type \(entry.dtype.prefix(40))")
      }
      guard entry.shape.count <= ModelLimits.rank,
        let count = TensorShape(entry.shape).checkedCount, count <= ModelLimits.fileBytes,
        entry.dataOffsets.count == 2, entry.dataOffsets[0] >= 0, entry.dataOffsets[1] >= entry.dataOffsets[0],
        entry.dataOffsets[1] - entry.dataOffsets[0] == count * size
      else {
        throw Self.malformed(
          "tensor \(name) of shape \(entry.shape.prefix(16)) lies at \(entry.dataOffsets.prefix(4))")
      }
    }
    var end = 0
    let places = entries.sorted { ($0.value.dataOffsets, $0.key) < ($1.value.dataOffsets, $1.key) }
    for (name, entry) in places {
      guard entry.dataOffsets[0] == end else {
        throw Self.malformed(
          "tensor \(name) begins at \(entry.dataOffsets[0]) where the one before ends at \(end)")
      }
      end = entry.dataOffsets[1]
    }
    guard end == data.count - start else {
      throw Self.malformed("the tensors end at \(end) of \(data.count - start) bytes of data")
    }
  }

  private static func size(of type: String) -> Int? {
    switch type {
    case "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2": 1
    case "F16", "BF16", "I16", "U16": 2
    case "F32", "I32", "U32": 4
    case "F64", "I64", "U64": 8
    default: nil
    }
  }

  private static func malformed(_ message: String) -> ModelError {
    ModelError(
      .malformedFile, "safetensors: \(message)",
      remedy: "Check that the file is complete and was written by the safetensors library.")
  }
}

/// Lexicographic order of offsets, then of names, so that empty tensors have a definite place.
private func < (a: ([Int], String), b: ([Int], String)) -> Bool {
  a.0 == b.0 ? a.1 < b.1 : a.0.lexicographicallyPrecedes(b.0)
}

/// The JSON header: tensors by name beside free-form `__metadata__`.
private struct Header: Decodable {
  let entries: [String: SafetensorsFile.Entry]

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    var entries: [String: SafetensorsFile.Entry] = [:]
    for key in container.allKeys where key.stringValue != "__metadata__" {
      entries[key.stringValue] = try container.decode(SafetensorsFile.Entry.self, forKey: key)
    }
    self.entries = entries
  }
}
