import CEngines
import MedullaBase

/// Reads what a session says of its model's inputs and outputs.
struct ONNXRuntimeSignature {
  /// Of each: more than any model has.
  static let tensorLimit = 256

  private typealias TypeOf = (OpaquePointer, Int, UnsafeMutablePointer<OpaquePointer?>) -> ort_result?
  private typealias NameOf =
    (OpaquePointer, Int, OpaquePointer, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> ort_result?

  private let library: ONNXRuntimeLibrary
  private let session: OpaquePointer
  private let title: String
  private let allocator: OpaquePointer

  init(_ library: ONNXRuntimeLibrary, _ session: OpaquePointer, _ title: String) throws(EngineError) {
    (self.library, self.session, self.title) = (library, session, title)
    allocator = try library.made(.failed, "ONNX Runtime has no allocator", library.table.allocator)
  }

  func read() throws(EngineError) -> (inputs: [TensorDescription], outputs: [TensorDescription]) {
    let table = library.table
    var counts = (0, 0)
    try library.check(table.input_count(session, &counts.0), .badModel, unreadable)
    try library.check(table.output_count(session, &counts.1), .badModel, unreadable)
    guard counts.0 <= Self.tensorLimit, counts.1 <= Self.tensorLimit, counts.1 > 0 else {
      throw EngineError(
        .badModel, "\(title) has \(counts.0) inputs and \(counts.1) outputs",
        remedy: "up to \(Self.tensorLimit) of each are taken, and at least one output")
    }
    return (
      try tensors(counts.0, "input", table.input_type, table.input_name),
      try tensors(counts.1, "output", table.output_type, table.output_name)
    )
  }

  private var unreadable: String { "ONNX Runtime does not tell what \(title) takes" }

  private func tensors(
    _ count: Int, _ role: String, _ type: TypeOf, _ name: NameOf
  ) throws(EngineError) -> [TensorDescription] {
    var tensors: [TensorDescription] = []
    for index in 0..<count {
      var text: UnsafeMutablePointer<CChar>?
      try library.check(name(session, index, allocator, &text), .badModel, unreadable)
      let own = text.map { String(cString: $0) } ?? ""
      try library.check(library.table.free(allocator, text), .failed, unreadable)
      let object = try library.made(.badModel, unreadable) { type(session, index, $0) }
      defer { library.table.release_type(object) }
      tensors.append(try tensor(object, "\(role) \(own)", own))
    }
    return tensors
  }

  private func tensor(
    _ type: OpaquePointer, _ title: String, _ name: String
  ) throws(EngineError) -> TensorDescription {
    let table = library.table
    var kind: Int32 = 0
    try library.check(table.kind(type, &kind), .badModel, unreadable)
    guard kind == ORT_KIND_TENSOR.rawValue else { throw unsupported(title, Self.kindName(kind)) }
    let tensor = try library.made(.badModel, unreadable) { table.tensor_type(type, $0) }
    var number: Int32 = 0
    var rank = 0
    try library.check(table.element(tensor, &number), .badModel, unreadable)
    try library.check(table.rank(tensor, &rank), .badModel, unreadable)
    guard let element = TensorElement.allCases.first(where: { $0.onnxNumber.rawValue == UInt32(number) })
    else {
      throw unsupported(
        title, number == ORT_STRING.rawValue ? "a tensor of texts" : "a tensor of ONNX's type \(number)")
    }
    guard rank <= TensorDescription.rankLimit else { throw unsupported(title, "a tensor of rank \(rank)") }
    var sizes = [Int64](repeating: 0, count: rank)
    try library.check(table.dimensions(tensor, &sizes, rank), .badModel, unreadable)
    return TensorDescription(name: name, element: element, shape: sizes.map { $0 < 0 ? nil : Int($0) })
  }

  private static func kindName(_ kind: Int32) -> String {
    switch UInt32(bitPattern: kind) {
    case ORT_KIND_SEQUENCE.rawValue: "a sequence"
    case ORT_KIND_MAP.rawValue: "a map"
    default: "no tensor"
    }
  }

  private func unsupported(_ title: String, _ what: String) -> EngineError {
    EngineError(
      .badModel, "\(title) of \(self.title) is \(what)",
      remedy: "export the model with tensors of numbers alone; with skl2onnx, zipmap=False leaves maps out")
  }
}
