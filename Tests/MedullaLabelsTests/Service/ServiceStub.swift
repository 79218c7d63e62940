import Foundation
import MedullaBase
import MedullaSnapshot
import Synchronization

@testable import MedullaLabels

/// A transport that answers what a test says, and keeps what was asked.
final class ServiceStub: ServiceTransport {
  private let act: (Data, Int) throws(LabelServiceError) -> ServiceReply
  private(set) var questions: [Data] = []

  init(_ act: @escaping (Data, Int) throws(LabelServiceError) -> ServiceReply) { self.act = act }

  func post(_ body: Data, within limit: Duration) throws(LabelServiceError) -> ServiceReply {
    questions.append(body)
    return try act(body, questions.count)
  }

  func close() {}

  static let schema = LabelSchema(
    classes: ["benign", "attack"], features: [InputFeature(name: "rate", scale: .linear)])

  static func request(_ sample: UInt64, rate: Double = 1) -> LabelRequest {
    LabelRequest(sample: sample, features: [rate], prediction: 0, margin: 0.5)
  }

  static func text(_ status: Int, _ text: String, retryAfter: String? = nil) -> ServiceReply {
    ServiceReply(status: status, retryAfter: retryAfter, body: Data(text.utf8))
  }

  struct Question: Decodable {
    struct Flow: Decodable {
      let id: String?
      let features: [Double?]
      let label: String?
    }
    let version: Int
    let want: String
    let classes: [String]
    let requests: [Flow]?
    let examples: [Flow]?
  }

  /// A service that tells by the rate, as its rules would; `flips` says of which flows it says the opposite.
  static func honest(
    rules: String? = nil, flips: @escaping (Double) -> Bool = { _ in false }
  ) -> ServiceStub {
    ServiceStub { body, _ in
      guard let question = try? JSONDecoder().decode(Question.self, from: body) else {
        return text(400, "no question")
      }
      if question.want == "rules" {
        guard let rules else { return text(400, "no rules") }
        return text(200, "{\"version\":1,\"rules\":\"\(rules)\"}")
      }
      let labels = (question.requests ?? []).map { flow in
        let rate = (flow.features.first ?? nil) ?? 0
        let isAttack = (rate > 10) != flips(rate)
        return
          "{\"id\":\"\(flow.id ?? "")\",\"label\":\"\(isAttack ? "attack" : "benign")\",\"confidence\":0.9}"
      }
      return text(200, "{\"version\":1,\"labels\":[\(labels.joined(separator: ","))]}")
    }
  }

  static func settings(_ change: (inout ServiceSettings) -> Void = { _ in }) -> ServiceSettings {
    var settings = ServiceSettings(
      url: "http://127.0.0.1:1/", deadline: .seconds(5), firstWait: .milliseconds(5),
      longestWait: .milliseconds(20))
    change(&settings)
    return settings
  }

  static func agent(
    _ stub: ServiceStub, purse: any Purse = FreePurse(), _ change: (inout ServiceSettings) -> Void = { _ in },
    checker: ((String) throws -> any LabelingAgent)? = nil
  ) throws -> ServiceAgent {
    try ServiceAgent(
      "service", settings(change), schema: schema, purse: purse, transport: stub, seed: 1, checker: checker)
  }
}
