import Foundation
import MedullaFrames
import MedullaLabels

/// Flows and their labels on the wire: one row, or one element, for each flow in every tensor.
package enum LabelFrame {
  /// What `hello` and its answer say, so that an adapter is not taken for a labeler, nor the other way round.
  static let role = "labeler"
  /// Labels in one answer beyond the flows of the question: of flows that were asked about before.
  static let lateLimit = 65_536
  static let addressBytes = 16

  /// Without its id, which the conversation gives.
  static func greeting(_ schema: LabelSchema, settings: ProcessSettings) -> TensorFrame {
    TensorFrame([
      "request": "hello", "protocol": FrameValue(Greeting.version), "role": .text(role),
      "function": .text(settings.function), "inputs": FrameValue(schema.features.count),
      "features": .list(schema.features.map { .text("\($0)") }),
      "classes": .list(schema.classes.map { .text($0) }), "options": .object(settings.options),
    ])
  }

  static func checkGreeting(_ answer: TensorFrame) throws(AdapterFailure) {
    try Greeting.checkVersion(answer, of: role)
    guard answer.text("role") == role else {
      throw AdapterFailure(
        .malformedAnswer, "the process is no labeler: its answer to `hello` has not the role `\(role)`",
        remedy: "Name a class that is a `medulla.Labeler`, or a program that speaks of labels "
          + "(docs/reference/adapter-protocol.md, \"Labels\").")
    }
  }

  /// - Throws: `AdapterFailure` with `badRequest` when a flow has other features than the schema.
  package static func encode(_ requests: [LabelRequest], _ schema: LabelSchema) throws(AdapterFailure)
    -> TensorFrame
  {
    let width = schema.features.count
    if let odd = requests.first(where: { $0.features.count != width }) {
      throw AdapterFailure(.badRequest, "a flow of \(odd.features.count) features; labels are of \(width)")
    }
    let facts = Set(requests.flatMap(\.facts.keys)).sorted()
    var tensors = [
      FrameTensor("id", words: requests.map(\.sample)),
      FrameTensor("time", words: requests.map(\.nanoseconds)),
      FrameTensor("features", rows: requests.map { $0.features.map { Float($0) } }, width: width),
      FrameTensor(
        "prediction", shape: [requests.count],
        floats: requests.map { $0.prediction.map { Float($0) } ?? -1 }),
      FrameTensor("margin", shape: [requests.count], floats: requests.map { Float($0.margin) }),
    ]
    if !facts.isEmpty {
      let bits = requests.flatMap { request in facts.map { (request.facts[$0] ?? .nan).bitPattern } }
      let data = bits.map(\.littleEndian).withUnsafeBytes { Data($0) }
      tensors.append(
        FrameTensor(name: "facts", element: .uint64, shape: [requests.count, facts.count], data: data))
    }
    if requests.contains(where: { $0.flow != nil }) { tensors += endpoints(requests) }
    return TensorFrame(
      [
        "request": "label", "flows": FrameValue(requests.count),
        "facts": .list(facts.map { .text($0) }),
      ], tensors: tensors)
  }

  private static func endpoints(_ requests: [LabelRequest]) -> [FrameTensor] {
    let count = requests.count
    let ports = requests.flatMap {
      [UInt64($0.flow?.sourcePort ?? 0), UInt64($0.flow?.destinationPort ?? 0)]
    }
    let words = ports.map(\.littleEndian).withUnsafeBytes { Data($0) }
    func addresses(_ name: String, _ bytes: (FlowEndpoints) -> [UInt8]) -> FrameTensor {
      FrameTensor(
        name: name, element: .uint8, shape: [count, addressBytes],
        data: Data(requests.flatMap { mapped($0.flow.map(bytes) ?? []) }))
    }
    return [
      addresses("source") { $0.source }, addresses("destination") { $0.destination },
      FrameTensor(name: "ports", element: .uint64, shape: [count, 2], data: words),
      FrameTensor("transport", bytes: Data(requests.map { $0.flow?.transport ?? 0 })),
    ]
  }

  /// An address as sixteen bytes, those of IPv4 as ::ffff:a.b.c.d; what is no address as zeros.
  private static func mapped(_ address: [UInt8]) -> [UInt8] {
    switch address.count {
    case addressBytes: address
    case 4: [UInt8](repeating: 0, count: 10) + [0xff, 0xff] + address
    default: [UInt8](repeating: 0, count: addressBytes)
    }
  }

  /// - Throws: `AdapterFailure` with `wrongShape`, `notFinite` or `malformedAnswer`, saying which label.
  static func decode(
    _ answer: TensorFrame, asked: Int, agent: String, classes: Int
  ) throws(AdapterFailure) -> [Label] {
    let columns = try columns(answer)
    let count = columns.samples.count
    guard count <= asked + lateLimit else {
      throw AdapterFailure(.malformedAnswer, "\(count) labels in answer to \(asked) flows")
    }
    var labels: [Label] = []
    for index in 0..<count {
      let (place, confidence) = (columns.labels[index], columns.confidences[index])
      guard place == -1 || (place >= 0 && place < Float(classes) && place == place.rounded()) else {
        throw AdapterFailure(
          .malformedAnswer, "label \(index) is \(place), neither a class of 0 to \(classes - 1) nor -1",
          remedy: "-1 abstains.")
      }
      guard confidence >= 0, confidence <= 1 else {
        throw AdapterFailure(.malformedAnswer, "confidence \(index) is \(confidence), not 0 to 1")
      }
      labels.append(
        Label(
          sample: columns.samples[index], agent: agent, label: place < 0 ? nil : Int(place),
          confidence: Double(confidence)))
    }
    return labels
  }

  private struct Columns {
    let samples: [UInt64]
    let labels: [Float]
    let confidences: [Float]
  }

  private static func columns(_ answer: TensorFrame) throws(AdapterFailure) -> Columns {
    do {
      let samples = try answer.tensor("id", shape: [nil]).words()
      let labels = try answer.tensor("label", shape: [samples.count]).floats()
      let confidences = try answer.tensor("confidence", shape: [samples.count]).floats()
      try Finite.check(answer.tensors)
      return Columns(samples: samples, labels: labels, confidences: confidences)
    } catch let failure as AdapterFailure {
      throw failure
    } catch let error as FrameError {
      throw AdapterFailure(.wrongShape, "the answer to label: \(error.message)", remedy: error.remedy)
    } catch {
      throw AdapterFailure(.malformedAnswer, "the answer to label: \(error)")
    }
  }
}
