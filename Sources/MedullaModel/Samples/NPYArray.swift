import Foundation

/// A NumPy array file (the `.npy` format of NEP 1).
struct NPYArray {
  let shape: [Int]
  /// Row-major.
  let values: [Float]

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  private static let valueLimit = 1 << 28

  init(_ data: Data) throws(ModelError) {
    let bytes = [UInt8](data)
    guard bytes.count >= 12, bytes.starts(with: Self.magic), (1...3).contains(bytes[6]) else {
      throw ModelError(.malformedFile, "not a .npy file of version 1, 2 or 3")
    }
    let lengthBytes = bytes[6] == 1 ? 2 : 4
    let start = 8 + lengthBytes
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    guard length <= bytes.count - start else {
      throw ModelError(.malformedFile, "the .npy header is cut short")
    }
    let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
    let type = try NPYElement(Self.quoted(header, key: "descr"))
    shape = try Self.shape(header)
    // Every product of some of the axes is bounded, so that an axis of 0 does not hide the others.
    var bound = 1
    for dimension in shape {
      let (product, overflow) = bound.multipliedReportingOverflow(by: max(dimension, 1))
      guard !overflow, product <= Self.valueLimit else {
        throw ModelError(.unsupportedShape, "the array has more than \(Self.valueLimit) values")
      }
      bound = product
    }
    let count = shape.contains(0) ? 0 : bound
    let body = start + length
    guard bytes.count - body >= count * type.bytes else {
      throw ModelError(
        .malformedFile, "the array needs \(count * type.bytes) bytes and the file has \(bytes.count - body)")
    }
    let flat = bytes.withUnsafeBytes { raw in
      (0..<count).map { type.value(in: raw, at: body + $0 * type.bytes) }
    }
    values = try Self.isFortran(header) ? Self.rowMajor(flat, shape: shape) : flat
  }

  /// The array as samples; a single sample may lack the first axis.
  func samples(of elements: Int) throws(ModelError) -> [[Float]] {
    let perSample = shape.dropFirst().reduce(1, *)
    guard elements > 0,
      perSample == elements || values.count == elements || (shape.count == 1 && elements == 1)
    else {
      throw ModelError(
        .shapeMismatch, "an array of shape \(shape) does not hold samples of \(elements) values",
        remedy: "The first axis counts samples, the others are the network's input.")
    }
    if let place = values.firstIndex(where: { !$0.isFinite }) {
      throw ModelError(
        .malformedFile,
        "row \(place / elements + 1), column \(place % elements + 1) is \(values[place]), no finite number",
        remedy: "Remove the row, or put a number there; rows and columns are counted from 1.")
    }
    return stride(from: 0, to: values.count, by: elements).map { Array(values[$0..<$0 + elements]) }
  }

  static func data(_ samples: [[Float]], columns: Int) -> Data {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(samples.count), \(columns)), }"
    let padding = 64 - (10 + header.utf8.count + 1) % 64
    let text = Array((header + String(repeating: " ", count: padding % 64) + "\n").utf8)
    var bytes = magic + [1, 0, UInt8(text.count & 255), UInt8(text.count >> 8)] + text
    for value in samples.joined() {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return Data(bytes)
  }

  private static func rowMajor(_ flat: [Float], shape: [Int]) -> [Float] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropFirst() { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    var index = [Int](repeating: 0, count: shape.count)
    return flat.indices.map { _ in
      let value = flat[zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }]
      for axis in shape.indices.reversed() {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
      }
      return value
    }
  }

  private static func rest(_ header: String, key: String) throws(ModelError) -> Substring {
    guard let range = header.range(of: "'\(key)':") else {
      throw ModelError(.malformedFile, "the .npy header has no \(key)")
    }
    return header[range.upperBound...].drop { $0 == " " }
  }

  private static func quoted(_ header: String, key: String) throws(ModelError) -> String {
    let text = try rest(header, key: key)
    guard text.first == "'", let end = text.dropFirst().firstIndex(of: "'") else {
      throw ModelError(
        .unsupportedType, "the .npy array's elements are not plain numbers",
        remedy: "Save it as float32: numpy.save(path, array.astype('float32')).")
    }
    return String(text[text.index(after: text.startIndex)..<end])
  }

  private static func isFortran(_ header: String) throws(ModelError) -> Bool {
    try rest(header, key: "fortran_order").hasPrefix("True")
  }

  private static func shape(_ header: String) throws(ModelError) -> [Int] {
    let text = try rest(header, key: "shape")
    guard text.first == "(", let end = text.firstIndex(of: ")") else {
      throw ModelError(.malformedFile, "the .npy header has no shape")
    }
    var shape: [Int] = []
    for part in text[text.index(after: text.startIndex)..<end].split(separator: ",") {
      let digits = part.filter { $0 != " " }
      if digits.isEmpty { continue }
      guard let dimension = Int(digits), dimension >= 0 else {
        throw ModelError(.malformedFile, "the .npy header has the dimension \(part)")
      }
      shape.append(dimension)
    }
    guard shape.count <= ModelLimits.rank else {
      throw ModelError(.unsupportedShape, "the array has \(shape.count) axes")
    }
    return shape
  }
}

/// The element type of a `.npy` array.
private struct NPYElement {
  let kind: Character
  let bytes: Int
  let isBigEndian: Bool

  init(_ name: String) throws(ModelError) {
    let text = Array(name)
    let sizes: [Character: [Int]] = ["f": [2, 4, 8], "i": [1, 2, 4, 8], "u": [1, 2, 4, 8], "b": [1]]
    guard text.count == 3, "<>|=".contains(text[0]), let bytes = text[2].wholeNumberValue,
      let allowed = sizes[text[1]], allowed.contains(bytes)
    else {
      throw ModelError(
        .unsupportedType, "the .npy array has elements of type \(name)",
        remedy: "Save it as float32: numpy.save(path, array.astype('float32')).")
    }
    kind = text[1]
    self.bytes = bytes
    isBigEndian = text[0] == ">"
  }

  /// The element at a byte offset, which must be inside.
  func value(in raw: UnsafeRawBufferPointer, at offset: Int) -> Float {
    var bits: UInt64 = 0
    for index in 0..<bytes {
      let place = isBigEndian ? index : bytes - 1 - index
      bits = bits << 8 | UInt64(raw[offset + place])
    }
    switch (kind, bytes) {
    case ("f", 2): return HalfPrecision.float(half: UInt16(truncatingIfNeeded: bits))
    case ("f", 4): return Float(bitPattern: UInt32(truncatingIfNeeded: bits))
    case ("f", _): return Float(Double(bitPattern: bits))
    case ("i", _):
      let unused = UInt64(64 - 8 * bytes)
      return Float(Int64(bitPattern: bits << unused) >> Int64(unused))
    default: return Float(bits)
    }
  }
}
