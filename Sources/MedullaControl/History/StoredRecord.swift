import Foundation
import MedullaAdaptation

/// A record of a function's slow path as the history has it.
package struct StoredRecord: Sendable, Equatable, Codable {
  /// Counted up; nil before it is stored.
  package var id: Int64?
  /// Seconds since 1970.
  package var time: Double
  package var function: String
  package var record: LoopRecord

  package init(id: Int64? = nil, time: Double, function: String, record: LoopRecord) {
    self.id = id
    self.time = time
    self.function = function
    self.record = record
  }

  enum CodingKeys: String, CodingKey { case id, time, function, kind, version, record }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    id = try container.decodeIfPresent(Int64.self, forKey: .id)
    time = try container.decode(Double.self, forKey: .time)
    function = try container.decode(String.self, forKey: .function)
    let kind = try container.decode(String.self, forKey: .kind)
    record = try LoopRecord(kind: kind, from: container.superDecoder(forKey: .record))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(id, forKey: .id)
    try container.encode(time, forKey: .time)
    try container.encode(function, forKey: .function)
    try container.encode(record.kind, forKey: .kind)
    try container.encodeIfPresent(record.version, forKey: .version)
    try record.payload.encode(to: container.superEncoder(forKey: .record))
  }
}

extension LoopRecord {
  /// Every kind, as `medulla history --kind` takes them.
  package static let kinds = [
    "batch", "progress", "retrain", "failure", "trigger", "gates", "staged", "shadow", "promotion", "verdict",
    "rollback", "pin", "command",
  ]

  /// What the kind is told with; JSON without the name of the kind around it.
  var payload: any Encodable {
    switch self {
    case .batch(let value): value
    case .progress(let value): value
    case .retrain(let value): value
    case .failure(let value): value
    case .trigger(let value): value
    case .gates(let value): value
    case .staged(let value): value
    case .shadow(let value): value
    case .promotion(let value): value
    case .verdict(let value): value
    case .rollback(let value): value
    case .pin(let value): value
    case .command(let value): value
    }
  }

  init(kind: String, from decoder: any Decoder) throws {
    switch kind {
    case "batch": self = .batch(try BatchStatistics(from: decoder))
    case "progress": self = .progress(try RoundProgress(from: decoder))
    case "retrain": self = .retrain(try RetrainRecord(from: decoder))
    case "failure": self = .failure(try LoopFailure(from: decoder))
    case "trigger": self = .trigger(try TriggerDecision(from: decoder))
    case "gates": self = .gates(try [GateDecision](from: decoder))
    case "staged": self = .staged(try StagedCandidate(from: decoder))
    case "shadow": self = .shadow(try ShadowResult(from: decoder))
    case "promotion": self = .promotion(try PromotionRecord(from: decoder))
    case "verdict": self = .verdict(try WatchVerdict(from: decoder))
    case "rollback": self = .rollback(try RollbackRecord(from: decoder))
    case "pin": self = .pin(try PinRecord(from: decoder))
    case "command": self = .command(try RunnerCommand(from: decoder))
    default:
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "there is no kind of record \"\(kind)\""))
    }
  }
}

extension StoredRecord {
  /// One line for people: the record in words.
  package var sentence: String { RecordWords(record).sentence ?? record.kind }
}
