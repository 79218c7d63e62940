import MedullaBase

/// Settings of one direction as people write them, in the order of their effect; what none names stays.
struct PathSettings: Sendable {
  private var changes: [@Sendable (inout PathConfiguration) -> Void] = []
  /// As written: a multiple of the bandwidth-delay product depends on the rest.
  private var buffer: String?
  private var markAbove: String?

  /// - Throws: `badParameter` for a key or a value that is none.
  mutating func set(_ key: LinkSettings.Key, to value: String) throws {
    switch key {
    case .rate:
      let rate = try Quantity.bitsPerSecond(value)
      changes.append { ($0.bitsPerSecond, $0.trace) = (rate, nil) }
    case .trace:
      let trace = try DeliveryTrace(path: value)
      changes.append { ($0.bitsPerSecond, $0.trace) = (nil, trace) }
    case .delay: change(\.delayNanoseconds, try Quantity.nanoseconds(value))
    case .buffer: buffer = value
    case .markAbove: markAbove = value
    case .loss: change(\.lossProbability, try Quantity.probability(value))
    case .burstLoss: change(\.burstLoss, try Quantity.burstLoss(value))
    case .reorder: change(\.reordering, try Quantity.reordering(value))
    case .duplicate: change(\.duplicateProbability, try Quantity.probability(value))
    case .queue: change(\.queue, try Quantity.queueDiscipline(value))
    case .policer: change(\.policer, try Quantity.policing(value))
    case .aggregate: change(\.aggregationNanoseconds, try Quantity.aggregation(value))
    case .portDelay: change(\.portDelay, try Quantity.portDelay(value))
    }
  }

  private mutating func change<Value: Sendable>(
    _ member: WritableKeyPath<PathConfiguration, Value> & Sendable, _ value: Value
  ) {
    changes.append { $0[keyPath: member] = value }
  }

  /// These settings, and after them those of `other`.
  func then(_ other: PathSettings) -> PathSettings {
    var both = self
    both.changes += other.changes
    (both.buffer, both.markAbove) = (other.buffer ?? buffer, other.markAbove ?? markAbove)
    return both
  }

  /// Everything but the sizes.
  func change(_ path: inout PathConfiguration) { for change in changes { change(&path) } }

  /// - Parameter roundTripNanoseconds: of a bandwidth-delay product.
  func size(_ path: inout PathConfiguration, roundTripNanoseconds: UInt64) throws {
    let product = path.bandwidthDelayBytes(roundTripNanoseconds: roundTripNanoseconds)
    if let buffer { path.bufferBytes = try Quantity.bufferBytes(buffer, bandwidthDelayBytes: product) }
    if let markAbove {
      path.markAboveBytes = try Quantity.bufferBytes(markAbove, bandwidthDelayBytes: product)
    }
  }
}

/// Settings of a link as people write them: `rate`, `delay`, `buffer` and the like hold both ways, `loss` and
/// its kin towards the server, and each with `return-` before it from the server only.
package struct LinkSettings: Sendable {
  package enum Key: String, CaseIterable, Sendable {
    case rate
    case trace
    case delay
    case buffer
    case markAbove = "mark-above"
    case loss
    case burstLoss = "burst-loss"
    case reorder
    case duplicate
    case queue
    case policer
    case aggregate
    case portDelay = "port-delay"

    /// Whether it holds both ways unless the way back has its own.
    var isShared: Bool {
      switch self {
      case .rate, .trace, .delay, .buffer, .markAbove, .queue, .portDelay: true
      case .loss, .burstLoss, .reorder, .duplicate, .policer, .aggregate: false
      }
    }
  }

  private static let returnPrefix = "return-"

  private var shared = PathSettings()
  private var forwardOnly = PathSettings()
  private var backwardOnly = PathSettings()

  package init() {}

  /// Sets what `name` calls; false when nothing is called so.
  ///
  /// - Throws: `badParameter` or `fileFailed` for a value that makes no sense.
  package mutating func set(_ name: String, to value: String) throws -> Bool {
    if let key = Key(rawValue: name) {
      if key.isShared { try shared.set(key, to: value) } else { try forwardOnly.set(key, to: value) }
      return true
    }
    guard name.hasPrefix(Self.returnPrefix),
      let key = Key(rawValue: String(name.dropFirst(Self.returnPrefix.count)))
    else { return false }
    try backwardOnly.set(key, to: value)
    return true
  }

  /// The link with these settings. What none of them names stays; a buffer of so many bytes stays so.
  package func applied(to link: LinkConfiguration) throws -> LinkConfiguration {
    let (forward, backward) = (shared.then(forwardOnly), shared.then(backwardOnly))
    var link = link
    forward.change(&link.forward)
    backward.change(&link.backward)
    let roundTrip = link.forward.delayNanoseconds.addingReportingOverflow(link.backward.delayNanoseconds)
    try forward.size(&link.forward, roundTripNanoseconds: roundTrip.partialValue)
    try backward.size(&link.backward, roundTripNanoseconds: roundTrip.partialValue)
    return link
  }
}
