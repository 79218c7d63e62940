import CEngines
import MedullaBase

/// A compiled model of OpenVINO, with a request of its own.
///
/// Tensors are views of the caller's memory on both sides, but for outputs whose size the model leaves open:
/// given memory of another size for one, OpenVINO writes past its end or not at all, so it uses its own, from
/// which the answer is copied. The request keeps the views of its last run until the next one sets others; it
/// reads and writes them only while it runs.
final class OpenVINOModel: LoadedModel {
  let inputs: [TensorDescription]
  let outputs: [TensorDescription]
  private let library: OpenVINOLibrary
  private let title: String
  private let compiled: OpaquePointer
  private let request: OpaquePointer

  /// - Parameter compiled: is this object's from now on, unless this throws.
  init(
    _ library: OpenVINOLibrary, _ compiled: OpaquePointer, _ title: String
  ) throws(EngineError) {
    let signature = OpenVINOSignature(library.calls, compiled, title)
    (inputs, outputs) = try signature.read()
    (self.library, self.compiled, self.title) = (library, compiled, title)
    request = try library.calls.made(.failed, "OpenVINO cannot prepare \(title)") {
      library.calls.create_request(compiled, $0)
    }
  }

  deinit {
    library.calls.free_request(request)
    library.calls.free_compiled(compiled)
  }

  func run(inputs read: [TensorView], outputs written: [TensorView]) throws(EngineError) {
    try check(inputs: read, outputs: written, on: .host)
    let calls = library.calls
    for index in read.indices {
      try set(read[index], "input \(inputs[index].text)") { calls.set_input(request, index, $0) }
    }
    for index in written.indices where !outputs[index].isOpen {
      try set(written[index], "output \(outputs[index].text)") { calls.set_output(request, index, $0) }
    }
    try calls.check(calls.infer(request), .failed, "OpenVINO cannot run \(title)")
    for index in written.indices where outputs[index].isOpen { try copy(index, to: written[index]) }
  }

  /// Gives the request a view of a tensor.
  private func set(
    _ view: TensorView, _ role: String, _ give: (OpaquePointer) -> Int32
  ) throws(EngineError) {
    let calls = library.calls
    let message = "OpenVINO does not take \(view.text) as \(role)"
    guard let pointer = view.pointer else { throw EngineError(.wrongSize, message) }
    var sizes = view.shape.map { Int64($0) }
    let tensor = try calls.made(.wrongSize, message) { object in
      sizes.withUnsafeMutableBufferPointer { sizes in
        let shape = ov_shape(rank: Int64(sizes.count), sizes: sizes.baseAddress)
        return calls.create_tensor(Int32(view.element.openVINONumber.rawValue), shape, pointer, object)
      }
    }
    defer { calls.free_tensor(tensor) }
    try calls.check(give(tensor), .failed, message)
  }

  private func copy(_ index: Int, to view: TensorView) throws(EngineError) {
    let calls = library.calls
    let message = "OpenVINO's output \(outputs[index].name) of \(title) is not \(view.text)"
    let tensor = try calls.made(.failed, message) { calls.get_output(request, index, $0) }
    defer { calls.free_tensor(tensor) }
    let shape = try calls.shape(of: tensor, message)
    var data: UnsafeMutableRawPointer?
    try calls.check(calls.tensor_data(tensor, &data), .failed, message)
    guard shape == view.shape, let to = view.pointer else {
      throw EngineError(
        .failed, message, cause: "its shape is \(shape)",
        remedy: "sizes that the model leaves open must fit each other")
    }
    if let data { to.copyMemory(from: data, byteCount: view.byteCount) }
  }
}

extension ov_calls {
  fileprivate func shape(of tensor: OpaquePointer, _ message: String) throws(EngineError) -> [Int] {
    var shape = ov_shape()
    try check(tensor_shape(tensor, &shape), .failed, message)
    defer { _ = free_sizes(&shape) }
    return (0..<max(Int(shape.rank), 0)).compactMap { index in shape.sizes.map { Int($0[index]) } }
  }
}

extension TensorDescription {
  fileprivate var isOpen: Bool { shape.isEmpty || shape.contains(nil) }
}

/// Reads what a compiled model says of its inputs and outputs.
struct OpenVINOSignature {
  static let tensorLimit = 256

  private let calls: ov_calls
  private let compiled: OpaquePointer
  private let title: String

  init(_ calls: ov_calls, _ compiled: OpaquePointer, _ title: String) {
    (self.calls, self.compiled, self.title) = (calls, compiled, title)
  }

  func read() throws(EngineError) -> (inputs: [TensorDescription], outputs: [TensorDescription]) {
    var counts = (0, 0)
    try calls.check(calls.input_count(compiled, &counts.0), .badModel, unreadable)
    try calls.check(calls.output_count(compiled, &counts.1), .badModel, unreadable)
    guard counts.0 <= Self.tensorLimit, counts.1 <= Self.tensorLimit, counts.1 > 0 else {
      throw EngineError(
        .badModel, "\(title) has \(counts.0) inputs and \(counts.1) outputs",
        remedy: "up to \(Self.tensorLimit) of each are taken, and at least one output")
    }
    return (
      try tensors(counts.0, "input", calls.input), try tensors(counts.1, "output", calls.output)
    )
  }

  private var unreadable: String { "OpenVINO does not tell what \(title) takes" }

  private func tensors(
    _ count: Int, _ role: String,
    _ port: (OpaquePointer, Int, UnsafeMutablePointer<OpaquePointer?>) -> Int32
  ) throws(EngineError) -> [TensorDescription] {
    var tensors: [TensorDescription] = []
    for index in 0..<count {
      let object = try calls.made(.badModel, unreadable) { port(compiled, index, $0) }
      defer { calls.free_port(object) }
      tensors.append(try tensor(object, role))
    }
    return tensors
  }

  private func tensor(_ port: OpaquePointer, _ role: String) throws(EngineError) -> TensorDescription {
    var text: UnsafeMutablePointer<CChar>?
    try calls.check(calls.name(port, &text), .badModel, unreadable)
    let name = text.map { String(cString: $0) } ?? ""
    if let text { calls.free_text(text) }
    var number: Int32 = 0
    try calls.check(calls.element(port, &number), .badModel, unreadable)
    guard
      let element = TensorElement.allCases.first(where: { $0.openVINONumber.rawValue == UInt32(number) })
    else {
      let what = number == OV_STRING.rawValue ? "texts" : "OpenVINO's type \(number)"
      throw EngineError(
        .badModel, "\(role) \(name) of \(title) is a tensor of \(what)",
        remedy: "export the model with tensors of numbers alone")
    }
    guard element != .int64 || role != "input" else {
      throw EngineError(
        .badModel, "\(role) \(name) of \(title) has whole numbers of 64 bits",
        cause: "OpenVINO computes with 32 bits of them on processors",
        remedy: "export the model with int32, or use onnxruntime")
    }
    return TensorDescription(name: name, element: element, shape: try shape(port, "\(role) \(name)"))
  }

  private func shape(_ port: OpaquePointer, _ tensor: String) throws(EngineError) -> [Int?] {
    var shape = ov_partial_shape()
    try calls.check(calls.shape(port, &shape), .badModel, unreadable)
    defer { calls.free_shape(&shape) }
    // No rank that is told: any shape, as an empty one.
    guard shape.rank.least == shape.rank.most, let sizes = shape.sizes else { return [] }
    guard shape.rank.most <= TensorDescription.rankLimit else {
      throw EngineError(.badModel, "\(tensor) of \(title) has rank \(shape.rank.most)")
    }
    return (0..<Int(shape.rank.most)).map { sizes[$0].least == sizes[$0].most ? Int(sizes[$0].most) : nil }
  }
}

extension TensorElement {
  /// OpenVINO's number of the type.
  fileprivate var openVINONumber: ov_element {
    switch self {
    case .float32: OV_FLOAT32
    case .float16: OV_FLOAT16
    case .float64: OV_FLOAT64
    case .bfloat16: OV_BFLOAT16
    case .int8: OV_INT8
    case .int16: OV_INT16
    case .int32: OV_INT32
    case .int64: OV_INT64
    case .uint8: OV_UINT8
    case .uint16: OV_UINT16
    case .uint32: OV_UINT32
    case .uint64: OV_UINT64
    case .bool: OV_BOOL
    }
  }
}
