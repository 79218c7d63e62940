import CMedullaABI
import MedullaBase
import MedullaDatapath

/// What is done with the packets of flows of one class.
package enum ClassifierAction: Hashable, Sendable, CustomStringConvertible {
  /// They pass, and are counted; all others are counted too.
  case count
  /// They get this `skb->mark`; at tc only.
  case mark(UInt32)
  case drop
  /// Together they get at most so many bytes a second; the rest is dropped.
  case limit(bytesPerSecond: UInt64, rate: String)
  /// They leave by this interface.
  case redirect(interface: String)
  /// They pass, and their first bytes go to a ring that user space reads.
  case mirror

  /// - Throws: `badConfiguration` with what there is.
  package init(_ text: String) throws(DatapathError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count) {
    case ("count", 1): self = .count
    case ("drop", 1): self = .drop
    case ("mirror", 1): self = .mirror
    case ("mark", 2):
      guard let mark = UInt32(parts[1]) else { throw Self.bad(text) }
      self = .mark(mark)
    case ("limit", 2):
      guard let bits = try? Quantity.bitsPerSecond(parts[1]),
        let bytes = UInt64(exactly: (bits / 8).rounded()),
        Self.rates.contains(bytes)
      else { throw Self.bad(text) }
      self = .limit(bytesPerSecond: bytes, rate: parts[1])
    case ("redirect", 2):
      guard !parts[1].isEmpty else { throw Self.bad(text) }
      self = .redirect(interface: parts[1])
    default: throw Self.bad(text)
    }
  }

  /// Bytes a second: so that a packet's time at it is a number of nanoseconds that is not 0 and fits.
  private static let rates: ClosedRange<UInt64> = 1_000...125_000_000_000
  /// That a limit may send at once.
  private static let burstNanoseconds: UInt64 = 50_000_000

  package var description: String {
    switch self {
    case .count: "count"
    case .mark(let mark): "mark:\(mark)"
    case .drop: "drop"
    case .limit(_, let rate): "limit:\(rate)"
    case .redirect(let interface): "redirect:\(interface)"
    case .mirror: "mirror"
    }
  }

  /// As the kernel's programs read it.
  ///
  /// - Throws: `badFunction` when there is no such interface, or XDP cannot do it.
  func rule(at hook: FunctionHook) throws(DatapathError) -> classifier_rule {
    var rule = classifier_rule()
    switch self {
    case .count: rule.action = UInt32(CLASSIFIER_COUNT)
    case .mark(let mark):
      guard hook.point != .xdp else {
        throw DatapathError(
          .badFunction, "packets have no mark at \(hook)", remedy: "attach at ingress or egress, or count")
      }
      rule.action = UInt32(CLASSIFIER_MARK)
      rule.value = mark
    case .drop: rule.action = UInt32(CLASSIFIER_DROP)
    case .limit(let bytesPerSecond, _):
      rule.action = UInt32(CLASSIFIER_LIMIT)
      rule.byte_ps = 1_000_000_000_000 / bytesPerSecond
      rule.burst_ns = Self.burstNanoseconds
    case .redirect(let interface):
      rule.action = UInt32(CLASSIFIER_REDIRECT)
      rule.value = try Hook.interfaceIndex(of: interface)
    case .mirror: rule.action = UInt32(CLASSIFIER_MIRROR)
    }
    return rule
  }

  private static func bad(_ text: String) -> DatapathError {
    DatapathError(
      .badConfiguration, "\"\(text)\" is no action",
      remedy: "give count, drop, mark:N, limit:RATE (8kbit to 1000gbit), redirect:DEVICE or mirror")
  }
}
