import CEngines
import MedullaBase

/// A session of ONNX Runtime.
///
/// Tensors are views of the caller's memory on both sides: the library is given the outputs before it runs,
/// and writes to them. A run makes and releases a descriptor for each tensor and nothing else.
final class ONNXRuntimeModel: LoadedModel {
  let inputs: [TensorDescription]
  let outputs: [TensorDescription]
  private let library: ONNXRuntimeLibrary
  private let title: String
  private let device: TensorDevice
  private let session: OpaquePointer
  private let memory: OpaquePointer
  /// Names as C has them, and descriptors of a run: inputs, then outputs.
  private let names: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>
  private let values: UnsafeMutableBufferPointer<OpaquePointer?>

  /// - Parameter device: where its tensors lie.
  init(
    _ library: ONNXRuntimeLibrary, _ model: EngineModel, _ options: ONNXRuntimeOptions,
    memory device: TensorDevice
  ) throws(EngineError) {
    let session = try Self.session(library, model, options)
    let described: (inputs: [TensorDescription], outputs: [TensorDescription])
    let memory: OpaquePointer
    do throws(EngineError) {
      described = try ONNXRuntimeSignature(library, session, model.title).read()
      memory = try library.memory(of: device)
    } catch {
      library.table.release_session(session)
      throw error
    }
    (inputs, outputs) = described
    (self.library, self.session, self.memory) = (library, session, memory)
    (title, self.device) = (model.title, device)
    let all = described.inputs + described.outputs
    names = .allocate(capacity: all.count)
    for index in all.indices {
      let text = all[index].name.utf8CString
      let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: text.count)
      _ = copy.initialize(from: text)
      names.initializeElement(at: index, to: copy.baseAddress.map { UnsafePointer($0) })
    }
    values = .allocate(capacity: all.count)
    values.initialize(repeating: nil)
  }

  deinit {
    for name in names { name?.deallocate() }
    names.deallocate()
    values.deallocate()
    library.table.release_memory(memory)
    library.table.release_session(session)
  }

  private static func session(
    _ library: ONNXRuntimeLibrary, _ model: EngineModel, _ options: ONNXRuntimeOptions
  ) throws(EngineError) -> OpaquePointer {
    let table = library.table
    let message = "ONNX Runtime cannot load \(model.title)"
    switch model {
    case .file(let path):
      return try library.made(.badModel, message) { session in
        table.create_session(library.environment, path, options.object, session)
      }
    case .bytes(let bytes):
      return try library.made(.badModel, message) { session in
        bytes.withUnsafeBytes {
          table.create_session_of_bytes(
            library.environment, $0.baseAddress, $0.count, options.object, session)
        }
      }
    }
  }

  func run(inputs read: [TensorView], outputs written: [TensorView]) throws(EngineError) {
    try check(inputs: read, outputs: written, on: device)
    defer { releaseValues() }
    for index in read.indices { values[index] = try tensor(read[index]) }
    for index in written.indices { values[read.count + index] = try tensor(written[index]) }
    guard let name = names.baseAddress, let value = values.baseAddress else {
      throw EngineError(.badModel, "\(title) has neither inputs nor outputs")
    }
    let status = library.table.run(
      session, nil, name, value, read.count, name + read.count, written.count, value + read.count)
    try library.check(
      status, .failed, "ONNX Runtime cannot run \(title)",
      remedy: "sizes that the model leaves open must fit each other: " + signature)
  }

  private var signature: String {
    "inputs \(inputs.map(\.text).joined(separator: "; ")), "
      + "outputs \(outputs.map(\.text).joined(separator: "; "))"
  }

  private func tensor(_ view: TensorView) throws(EngineError) -> OpaquePointer {
    var object: OpaquePointer?
    let status = view.shape.withUnsafeBufferPointer { sizes in
      sizes.withMemoryRebound(to: Int64.self) { sizes in
        library.table.create_tensor(
          memory, view.pointer, view.byteCount, sizes.baseAddress, sizes.count,
          Int32(view.element.onnxNumber.rawValue), &object)
      }
    }
    try library.check(status, .wrongSize, "ONNX Runtime cannot take a tensor \(view.text)")
    guard let object else { throw EngineError(.failed, "ONNX Runtime made no tensor \(view.text)") }
    return object
  }

  private func releaseValues() {
    for index in values.indices {
      library.table.release_value(values[index])
      values[index] = nil
    }
  }
}

extension ONNXRuntimeLibrary {
  /// What says where tensors lie; released by the caller.
  fileprivate func memory(of device: TensorDevice) throws(EngineError) -> OpaquePointer {
    let table = table
    return try made(.failed, "ONNX Runtime does not take \(device)") { memory in
      switch device {
      case .host:
        table.create_host_memory(Int32(ORT_DEVICE_ALLOCATOR), Int32(ORT_DEFAULT_MEMORY), memory)
      case .cuda(let ordinal):
        table.create_memory(
          "Cuda", Int32(ORT_DEVICE_ALLOCATOR), Int32(clamping: ordinal), Int32(ORT_DEFAULT_MEMORY), memory)
      }
    }
  }
}

extension TensorElement {
  /// ONNX's number of the type.
  var onnxNumber: ort_element {
    switch self {
    case .float32: ORT_FLOAT32
    case .float16: ORT_FLOAT16
    case .float64: ORT_FLOAT64
    case .bfloat16: ORT_BFLOAT16
    case .int8: ORT_INT8
    case .int16: ORT_INT16
    case .int32: ORT_INT32
    case .int64: ORT_INT64
    case .uint8: ORT_UINT8
    case .uint16: ORT_UINT16
    case .uint32: ORT_UINT32
    case .uint64: ORT_UINT64
    case .bool: ORT_BOOL
    }
  }
}
