import Foundation
import MedullaBase
import MedullaFlows

/// The JSON that goes to a label service and comes back. No connection inside.
/// `docs/reference/label-service.md` is its description.
struct ServiceContract: Sendable {
  static let version = 1
  /// Bytes of rules.
  static let rulesLimit = 1 << 16

  let schema: LabelSchema
  let sendsEndpoints: Bool

  /// What is said of one flow, apart from its id: by it answers are remembered.
  private struct Flow: Encodable {
    let features: [Double?]
    let facts: [String: Double]
    let prediction: String?
    let margin: Double?
    let flow: Endpoints?
    var id: String?
    /// Of an example.
    var label: String?
  }

  private struct Endpoints: Encodable {
    let source: String
    let destination: String
    let sourcePort: UInt16
    let destinationPort: UInt16
    let transport: UInt8

    enum CodingKeys: String, CodingKey {
      case source, destination, transport
      case sourcePort = "source_port"
      case destinationPort = "destination_port"
    }
  }

  private struct Question: Encodable {
    let version = ServiceContract.version
    let want: String
    let classes: [String]
    let features: [String]
    var requests: [Flow]?
    var examples: [Flow]?
  }

  private func flow(_ request: LabelRequest) -> Flow {
    func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
    return Flow(
      features: request.features.map(finite), facts: request.facts.filter { $0.value.isFinite },
      prediction: request.prediction.flatMap {
        schema.classes.indices.contains($0) ? schema.classes[$0] : nil
      }, margin: finite(request.margin), flow: sendsEndpoints ? request.flow.map(endpoints) : nil)
  }

  private func endpoints(_ flow: FlowEndpoints) -> Endpoints {
    Endpoints(
      source: AddressText.text(flow.source), destination: AddressText.text(flow.destination),
      sourcePort: flow.sourcePort, destinationPort: flow.destinationPort, transport: flow.transport)
  }

  /// The digest of what is said of a flow.
  func key(_ request: LabelRequest) throws(LabelServiceError) -> [UInt8] {
    SHA256.hash(try encoded(flow(request)))
  }

  func labelQuestion(_ requests: [LabelRequest]) throws(LabelServiceError) -> Data {
    var question = question("labels")
    question.requests = requests.map { request in
      var flow = flow(request)
      // JSON's numbers are exact to 2⁵³ only.
      flow.id = String(request.sample)
      return flow
    }
    return try encoded(question)
  }

  func rulesQuestion(_ examples: [KnownLabel]) throws(LabelServiceError) -> Data {
    var question = question("rules")
    question.examples = examples.map { example in
      var flow = flow(example.request)
      flow.label = schema.classes[example.label]
      return flow
    }
    return try encoded(question)
  }

  private func question(_ want: String) -> Question {
    Question(want: want, classes: schema.classes, features: schema.features.map(\.description))
  }

  private func encoded(_ value: some Encodable) throws(LabelServiceError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return try encoder.encode(value)
    } catch {
      throw LabelServiceError(.malformed, "a question to the label service is no JSON", cause: "\(error)")
    }
  }
}

// What comes back.
extension ServiceContract {
  private struct LabelAnswer: Decodable {
    struct Entry: Decodable {
      let id: String
      let label: String?
      let confidence: Double?
    }
    let version: Int
    let labels: [Entry]
  }

  private struct RulesAnswer: Decodable {
    let version: Int
    let rules: String
  }

  /// - Parameter price: what each label has cost.
  /// - Throws: `malformed`: no JSON of the contract, another version, a label that was not asked for, twice,
  ///   of no class, or with no confidence.
  func labels(
    _ body: Data, of requests: [LabelRequest], agent: String, price: Double
  ) throws(LabelServiceError) -> [Label] {
    let answer: LabelAnswer = try decoded(body)
    guard answer.version == Self.version else { throw .malformed("it has version \(answer.version)") }
    var asked = Set(requests.map(\.sample))
    let places = Dictionary(zip(schema.classes, schema.classes.indices)) { first, _ in first }
    var labels: [Label] = []
    for entry in answer.labels {
      guard let sample = UInt64(entry.id), asked.remove(sample) != nil else {
        throw .malformed("a label of \(entry.id.prefix(32)), which was not asked about, or a second one")
      }
      let place = try entry.label.map { name throws(LabelServiceError) in
        guard let place = places[name] else { throw .malformed("the class \(name.prefix(64)) is none") }
        return place
      }
      let confidence = entry.confidence ?? 1
      guard confidence >= 0, confidence <= 1 else { throw .malformed("a confidence of \(confidence)") }
      labels.append(
        Label(sample: sample, agent: agent, label: place, confidence: confidence, cost: price))
    }
    return labels
  }

  /// - Throws: `malformed`.
  func rules(_ body: Data) throws(LabelServiceError) -> String {
    let answer: RulesAnswer = try decoded(body)
    guard answer.version == Self.version else { throw .malformed("it has version \(answer.version)") }
    guard answer.rules.utf8.count <= Self.rulesLimit else {
      throw .malformed("rules of \(answer.rules.utf8.count) bytes; at most \(Self.rulesLimit) are taken")
    }
    return answer.rules
  }

  private func decoded<Answer: Decodable>(_ body: Data) throws(LabelServiceError) -> Answer {
    do {
      return try JSONDecoder().decode(Answer.self, from: body)
    } catch {
      throw .malformed("\(error)")
    }
  }
}

/// A flow whose label is known.
package struct KnownLabel: Sendable, Equatable {
  package let request: LabelRequest
  /// The class, by its place.
  package let label: Int

  package init(_ request: LabelRequest, label: Int) {
    self.request = request
    self.label = label
  }
}
