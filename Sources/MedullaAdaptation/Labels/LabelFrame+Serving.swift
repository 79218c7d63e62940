import MedullaFrames
import MedullaLabels
import MedullaSnapshot

// What a labeler's own process reads and writes.
extension LabelFrame {
  /// - Throws: `AdapterFailure` with `badRequest` when it is no greeting of a labeler, of this version.
  static func readGreeting(_ request: TensorFrame) throws(AdapterFailure) -> LabelServer.Greeting {
    func refuse(_ message: String) -> AdapterFailure { AdapterFailure(.badRequest, message) }
    guard request.fields["protocol"]?.count == Greeting.version else {
      throw refuse("a greeting of another version of the protocol than \(Greeting.version)")
    }
    guard request.text("role") == role else { throw refuse("a greeting that has not the role `\(role)`") }
    guard let classes = request.fields["classes"]?.list?.map(\.text),
      let names = request.fields["features"]?.list?.map({ $0.text ?? "" }),
      (1...FlowInterface.classLimit).contains(classes.count), !classes.contains(nil)
    else { throw refuse("a greeting without 1 to \(FlowInterface.classLimit) classes, or without features") }
    var features: [InputFeature] = []
    for name in names {
      guard let feature = InputFeature(name) else { throw refuse("\"\(name)\" is no feature of flows") }
      features.append(feature)
    }
    return LabelServer.Greeting(
      function: request.text("function") ?? "",
      schema: LabelSchema(classes: classes.compactMap(\.self), features: features),
      options: request.fields["options"]?.object ?? [:])
  }

  /// Without its id, which the server gives.
  static var greetingAnswer: TensorFrame {
    TensorFrame(["protocol": FrameValue(Greeting.version), "role": .text(role)])
  }

  /// - Throws: `FrameError` with what the tensors have instead.
  package static func readRequests(_ request: TensorFrame, _ schema: LabelSchema) throws -> [LabelRequest] {
    guard let count = request.fields["flows"]?.count, let names = request.fields["facts"]?.list?.map(\.text),
      !names.contains(nil)
    else { throw FrameError(.wrongContent, "a question without `flows`, a number, and `facts`, names") }
    let width = schema.features.count
    let samples = try request.tensor("id", shape: [count]).words()
    let times = try request.tensor("time", shape: [count]).words()
    let features = try request.tensor("features", shape: [count, width]).floats()
    let predictions = try request.tensor("prediction", shape: [count]).floats()
    let margins = try request.tensor("margin", shape: [count]).floats()
    let facts = try names.isEmpty ? [] : request.tensor("facts", shape: [count, names.count]).words()
    let ends = try endpoints(request, count)
    return (0..<count).map { flow in
      var own: [String: Double] = [:]
      for (place, name) in names.enumerated() {
        let value = Double(bitPattern: facts[flow * names.count + place])
        // A flow that has no such fact has NaN.
        if let name, !value.isNaN { own[name] = value }
      }
      let prediction = predictions[flow]
      return LabelRequest(
        sample: samples[flow], nanoseconds: times[flow], flow: ends?[flow],
        features: features[flow * width..<(flow + 1) * width].map { Double($0) }, facts: own,
        prediction: schema.classes.indices.first { Float($0) == prediction }, margin: Double(margins[flow]))
    }
  }

  /// nil: nothing is known of any flow; an element is nil where nothing is known of that one.
  private static func endpoints(_ request: TensorFrame, _ count: Int) throws -> [FlowEndpoints?]? {
    guard request.tensors.contains(where: { $0.name == "source" }) else { return nil }
    let (sources, destinations) = (
      try addresses(request, "source", count), try addresses(request, "destination", count)
    )
    let ports = try request.tensor("ports", shape: [count, 2]).words()
    let transports = try bytes(request, "transport", shape: [count])
    return (0..<count).map { flow in
      let (source, destination) = (sources[flow], destinations[flow])
      guard transports[flow] != 0 || (source + destination).contains(where: { $0 != 0 }) else { return nil }
      return FlowEndpoints(
        source: source, destination: destination, sourcePort: UInt16(clamping: ports[2 * flow]),
        destinationPort: UInt16(clamping: ports[2 * flow + 1]), transport: transports[flow])
    }
  }

  private static func addresses(_ request: TensorFrame, _ name: String, _ count: Int) throws -> [[UInt8]] {
    let all = try bytes(request, name, shape: [count, addressBytes])
    let mapped: [UInt8] = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]
    return (0..<count).map { flow in
      let address = all[flow * addressBytes..<(flow + 1) * addressBytes]
      return Array(address.starts(with: mapped) ? address.dropFirst(mapped.count) : address)
    }
  }

  private static func bytes(_ request: TensorFrame, _ name: String, shape: [Int]) throws -> [UInt8] {
    let tensor = try request.tensor(name, shape: shape)
    guard tensor.element == .uint8 else {
      throw FrameError(.wrongContent, "tensor `\(name)` has elements of \(tensor.element.rawValue)")
    }
    return [UInt8](tensor.data)
  }

  /// Without its id, which the server gives.
  static func encode(_ labels: [Label]) -> TensorFrame {
    TensorFrame(
      [:],
      tensors: [
        FrameTensor("id", words: labels.map(\.sample)),
        FrameTensor(
          "label", shape: [labels.count], floats: labels.map { $0.label.map { Float($0) } ?? -1 }),
        FrameTensor("confidence", shape: [labels.count], floats: labels.map { Float($0.confidence) }),
      ])
  }
}
