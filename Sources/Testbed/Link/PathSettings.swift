import MedullaBase

/// Settings of one direction as people write them; what is nil stays as it is.
struct PathSettings: Equatable, Sendable {
  enum Bandwidth: Equatable, Sendable {
    case rate(Double)
    case trace(DeliveryTrace)
  }

  var bandwidth: Bandwidth?
  var delayNanoseconds: UInt64?
  /// As written: a multiple of the bandwidth-delay product depends on the rest.
  var buffer: String?
  var markAbove: String?
  var lossProbability: Double?
  var burstLoss: BurstLoss?
  var reordering: Reordering?
  var duplicateProbability: Double?

  /// - Throws: `badParameter` for a key or a value that is none.
  mutating func set(_ key: LinkSettings.Key, to value: String) throws {
    switch key {
    case .rate: bandwidth = .rate(try Quantity.bitsPerSecond(value))
    case .trace: bandwidth = .trace(try DeliveryTrace(path: value))
    case .delay: delayNanoseconds = try Quantity.nanoseconds(value)
    case .buffer: buffer = value
    case .markAbove: markAbove = value
    case .loss: lossProbability = try Quantity.probability(value)
    case .burstLoss: burstLoss = try Quantity.burstLoss(value)
    case .reorder: reordering = try Quantity.reordering(value)
    case .duplicate: duplicateProbability = try Quantity.probability(value)
    }
  }

  /// These settings, and where they say nothing those of `other`.
  func over(_ other: PathSettings) -> PathSettings {
    PathSettings(
      bandwidth: bandwidth ?? other.bandwidth,
      delayNanoseconds: delayNanoseconds ?? other.delayNanoseconds, buffer: buffer ?? other.buffer,
      markAbove: markAbove ?? other.markAbove, lossProbability: lossProbability ?? other.lossProbability,
      burstLoss: burstLoss ?? other.burstLoss, reordering: reordering ?? other.reordering,
      duplicateProbability: duplicateProbability ?? other.duplicateProbability)
  }

  /// - Parameter roundTripNanoseconds: of a bandwidth-delay product.
  func applied(to path: PathConfiguration, roundTripNanoseconds: UInt64) throws -> PathConfiguration {
    var path = path
    switch bandwidth {
    case .rate(let bitsPerSecond):
      path.bitsPerSecond = bitsPerSecond
      path.trace = nil
    case .trace(let trace):
      path.bitsPerSecond = nil
      path.trace = trace
    case nil: break
    }
    path.delayNanoseconds = delayNanoseconds ?? path.delayNanoseconds
    path.lossProbability = lossProbability ?? path.lossProbability
    path.burstLoss = burstLoss ?? path.burstLoss
    path.reordering = reordering ?? path.reordering
    path.duplicateProbability = duplicateProbability ?? path.duplicateProbability
    let product = path.bandwidthDelayBytes(roundTripNanoseconds: roundTripNanoseconds)
    if let buffer { path.bufferBytes = try Quantity.bufferBytes(buffer, bandwidthDelayBytes: product) }
    if let markAbove {
      path.markAboveBytes = try Quantity.bufferBytes(markAbove, bandwidthDelayBytes: product)
    }
    return path
  }
}

/// Settings of a link as people write them: `rate`, `delay`, `buffer` and the like hold both ways, `loss` and
/// its kin towards the server, and each with `return-` before it from the server only.
package struct LinkSettings: Equatable, Sendable {
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

    /// Whether it holds both ways unless the way back has its own.
    var isShared: Bool {
      switch self {
      case .rate, .trace, .delay, .buffer, .markAbove: true
      case .loss, .burstLoss, .reorder, .duplicate: false
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
    let forward = forwardOnly.over(shared)
    let backward = backwardOnly.over(shared)
    let roundTrip =
      (forward.delayNanoseconds ?? link.forward.delayNanoseconds)
      .addingReportingOverflow(backward.delayNanoseconds ?? link.backward.delayNanoseconds).partialValue
    var link = link
    link.forward = try forward.applied(to: link.forward, roundTripNanoseconds: roundTrip)
    link.backward = try backward.applied(to: link.backward, roundTripNanoseconds: roundTrip)
    return link
  }
}
