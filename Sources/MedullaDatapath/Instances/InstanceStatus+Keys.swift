import MedullaBase

/// A function's own keys stand beside those of every function, in slots and in the whole.
private struct StatusKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ text: String) { stringValue = text }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { nil }

  static func write(_ values: [String: some Encodable], to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: StatusKey.self)
    for (key, value) in values { try container.encode(value, forKey: StatusKey(key)) }
  }

  /// All keys but `known`.
  static func read<Value: Decodable>(
    _ type: Value.Type, from decoder: any Decoder, except known: [String]
  ) throws -> [String: Value] {
    let container = try decoder.container(keyedBy: StatusKey.self)
    var values: [String: Value] = [:]
    for key in container.allKeys where !known.contains(key.stringValue) {
      values[key.stringValue] = try container.decode(type, forKey: key)
    }
    return values
  }
}

extension InstanceStatus.Slot {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func number(_ key: CodingKeys) throws -> UInt64 { try container.decode(UInt64.self, forKey: key) }
    self.init(
      index: try container.decode(Int.self, forKey: .index),
      generation: try container.decode(Int.self, forKey: .generation), version: try number(.version),
      digest: try container.decode(String.self, forKey: .digest),
      name: try container.decode(String.self, forKey: .name),
      state: try container.decode(SlotTable.State.self, forKey: .state), flows: try number(.flows),
      flowsTaken: try number(.flowsTaken), flowsMoved: try number(.flowsMoved),
      inferences: try number(.inferences),
      nanosecondsPerInference: try container.decodeIfPresent(Double.self, forKey: .nanosecondsPerInference),
      minimumNanoseconds: try container.decodeIfPresent(UInt64.self, forKey: .minimumNanoseconds),
      maximumNanoseconds: try container.decodeIfPresent(UInt64.self, forKey: .maximumNanoseconds),
      contended: try number(.contended), samples: try number(.samples),
      samplesDropped: try number(.samplesDropped),
      counters: try StatusKey.read(
        UInt64.self, from: decoder, except: CodingKeys.allCases.map(\.rawValue)))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(index, forKey: .index)
    try container.encode(generation, forKey: .generation)
    try container.encode(version, forKey: .version)
    try container.encode(digest, forKey: .digest)
    try container.encode(name, forKey: .name)
    try container.encode(state, forKey: .state)
    try container.encode(flows, forKey: .flows)
    try container.encode(flowsTaken, forKey: .flowsTaken)
    try container.encode(flowsMoved, forKey: .flowsMoved)
    try container.encode(inferences, forKey: .inferences)
    // Null before the first: the keys are always there.
    try container.encode(nanosecondsPerInference, forKey: .nanosecondsPerInference)
    try container.encode(minimumNanoseconds, forKey: .minimumNanoseconds)
    try container.encode(maximumNanoseconds, forKey: .maximumNanoseconds)
    try container.encode(contended, forKey: .contended)
    try container.encode(samples, forKey: .samples)
    try container.encode(samplesDropped, forKey: .samplesDropped)
    try StatusKey.write(counters, to: encoder)
  }
}

extension InstanceStatus {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try container.decode(String.self, forKey: .name),
      function: try container.decode(String.self, forKey: .function),
      hook: try container.decodeIfPresent(String.self, forKey: .hook),
      details: try StatusKey.read(JSONValue.self, from: decoder, except: CodingKeys.allCases.map(\.rawValue)),
      attached: try container.decode(Bool.self, forKey: .attached),
      measuring: try container.decode(Bool.self, forKey: .measuring),
      drainLimitSeconds: try container.decode(Double.self, forKey: .drainLimitSeconds),
      sampling: try container.decode(Int.self, forKey: .sampling),
      samples: try container.decode(UInt64.self, forKey: .samples),
      samplesDropped: try container.decode(UInt64.self, forKey: .samplesDropped),
      orphaned: try container.decodeIfPresent(UInt64.self, forKey: .orphaned) ?? 0,
      consistency: try container.decode(Bool.self, forKey: .consistency),
      flowLimit: try container.decodeIfPresent(Int.self, forKey: .flowLimit),
      staged: try container.decodeIfPresent(Staged.self, forKey: .staged),
      shadow: try container.decodeIfPresent(Shadow.self, forKey: .shadow),
      slots: try container.decode([Slot].self, forKey: .slots),
      generations: try container.decode([Generation].self, forKey: .generations))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(function, forKey: .function)
    try container.encode(hook, forKey: .hook)
    try container.encode(attached, forKey: .attached)
    try container.encode(measuring, forKey: .measuring)
    try container.encode(drainLimitSeconds, forKey: .drainLimitSeconds)
    try container.encode(sampling, forKey: .sampling)
    try container.encode(samples, forKey: .samples)
    try container.encode(samplesDropped, forKey: .samplesDropped)
    try container.encode(orphaned, forKey: .orphaned)
    try container.encode(consistency, forKey: .consistency)
    try container.encode(flowLimit, forKey: .flowLimit)
    try container.encode(staged, forKey: .staged)
    try container.encode(shadow, forKey: .shadow)
    try container.encode(slots, forKey: .slots)
    try container.encode(generations, forKey: .generations)
    try StatusKey.write(details, to: encoder)
  }
}
