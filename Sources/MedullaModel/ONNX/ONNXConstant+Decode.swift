import Foundation

extension ONNXConstant {
  /// Decodes a tensor: raw bytes, typed values, or a range of an external file.
  ///
  /// - Throws: `malformedFile` when sizes contradict each other, `missingData` when there are no values,
  ///   `unsupportedType` for element types that a network does not need.
  init(_ tensor: ONNXTensorProto, external: ONNXReader.ExternalData) throws(ModelError) {
    let label = "tensor \(tensor.name.isEmpty ? "without a name" : tensor.name)"
    var dimensions: [Int] = []
    for size in tensor.dims {
      guard let size = Int(exactly: size), size >= 0 else {
        throw ModelError(.malformedFile, "\(label) has a dimension of \(size)")
      }
      dimensions.append(size)
    }
    guard Self.isBounded(dimensions), let count = TensorShape(dimensions).checkedCount else {
      throw ModelError(
        .unsupportedShape, "\(label) of dimensions \(dimensions) is larger than this reader accepts",
        remedy: "At most \(ModelLimits.rank) dimensions and \(ModelLimits.parameters) elements are read.")
    }
    let values = TypedValues(tensor: tensor, count: count, label: label)
    let elements: Elements
    if tensor.dataLocation == .external {
      elements = try values.decode(raw: Self.externalBytes(of: tensor, values: values, external: external))
    } else if !tensor.rawData.isEmpty {
      elements = try values.decode(raw: tensor.rawData)
    } else {
      elements = try values.decodeTyped()
    }
    self.init(dimensions: dimensions, elements: elements)
  }

  private static func externalBytes(
    of tensor: ONNXTensorProto, values: TypedValues, external: ONNXReader.ExternalData
  ) throws(ModelError) -> Data {
    var entries: [String: String] = [:]
    for entry in tensor.externalData { entries[entry.key] = entry.value }
    guard let location = entries["location"] else {
      throw ModelError(.malformedFile, "\(values.label) is external but states no location")
    }
    var sizes: [String: Int] = [:]
    for key in ["offset", "length"] {
      guard let text = entries[key] else { continue }
      guard let size = Int(text), size >= 0 else {
        throw ModelError(.malformedFile, "\(values.label) states an external \(key) of \(text.prefix(40))")
      }
      sizes[key] = size
    }
    let needed = try values.byteCount()
    guard sizes["length"] ?? needed == needed else {
      throw ModelError(
        .malformedFile, "\(values.label) needs \(needed) bytes and states a length of \(sizes["length"] ?? 0)"
      )
    }
    let data = try external(location, sizes["offset"] ?? 0, needed)
    guard data.count == needed else {
      throw ModelError(
        .missingData, "\(values.label) needs \(needed) bytes of \(location), which gives \(data.count)")
    }
    return data
  }
}

/// The elements of one ONNX tensor, in any of the encodings that the format has.
private struct TypedValues {
  let tensor: ONNXTensorProto
  let count: Int
  let label: String

  func byteCount() throws(ModelError) -> Int {
    switch tensor.dataType {
    case .uint8, .int8, .bool: count
    case .float16, .bfloat16, .int16, .uint16: count * 2
    case .float, .int32, .uint32: count * 4
    case .double, .int64: count * 8
    default: throw unsupported()
    }
  }

  func decode(raw: Data) throws(ModelError) -> ONNXConstant.Elements {
    let needed = try byteCount()
    guard raw.count == needed else {
      throw ModelError(.malformedFile, "\(label) has \(raw.count) bytes of raw data; \(needed) are needed")
    }
    let bytes = LittleEndianBytes(raw)
    switch tensor.dataType {
    case .float: return .floats(bytes.elements(UInt32.self) { Float(bitPattern: $0) })
    case .float16: return .floats(bytes.elements(UInt16.self, HalfPrecision.float(half:)))
    case .bfloat16: return .floats(bytes.elements(UInt16.self, HalfPrecision.float(bfloat16:)))
    case .double: return .floats(bytes.elements(UInt64.self) { Float(Double(bitPattern: $0)) })
    case .int64: return .integers(bytes.elements(UInt64.self) { Int(Int64(bitPattern: $0)) })
    case .int32: return .integers(bytes.elements(UInt32.self) { Int(Int32(bitPattern: $0)) })
    case .uint32: return .integers(bytes.elements(UInt32.self) { Int($0) })
    case .int16: return .integers(bytes.elements(UInt16.self) { Int(Int16(bitPattern: $0)) })
    case .uint16: return .integers(bytes.elements(UInt16.self) { Int($0) })
    case .int8: return .integers(bytes.elements(UInt8.self) { Int(Int8(bitPattern: $0)) })
    case .uint8, .bool: return .integers(bytes.elements(UInt8.self) { Int($0) })
    default: throw unsupported()
    }
  }

  func decodeTyped() throws(ModelError) -> ONNXConstant.Elements {
    let elements: ONNXConstant.Elements
    let found: Int
    switch tensor.dataType {
    case .float:
      (elements, found) = (.floats(tensor.floatData), tensor.floatData.count)
    case .double:
      (elements, found) = (.floats(tensor.doubleData.map { Float($0) }), tensor.doubleData.count)
    case .float16:
      let values = tensor.int32Data.map { HalfPrecision.float(half: UInt16(truncatingIfNeeded: $0)) }
      (elements, found) = (.floats(values), values.count)
    case .bfloat16:
      let values = tensor.int32Data.map { HalfPrecision.float(bfloat16: UInt16(truncatingIfNeeded: $0)) }
      (elements, found) = (.floats(values), values.count)
    case .int64:
      (elements, found) = (.integers(tensor.int64Data.map { Int($0) }), tensor.int64Data.count)
    case .int32, .int16, .uint16, .int8, .uint8, .bool:
      (elements, found) = (.integers(tensor.int32Data.map { Int($0) }), tensor.int32Data.count)
    default: throw unsupported()
    }
    guard found == count else {
      throw ModelError(
        found == 0 ? .missingData : .malformedFile, "\(label) has \(found) values; \(count) are needed")
    }
    return elements
  }

  private func unsupported() -> ModelError {
    ModelError(
      .unsupportedType, "\(label) holds elements of type \(tensor.dataType)",
      remedy:
        "Weights may be float32, float16, bfloat16 or float64; export the float network, not a quantized one."
    )
  }
}
