/// One figure of a verdict and what it has to be.
public struct VerdictRow: Sendable, Equatable {
  public var name: String
  public var value: Double?
  public var places: Int
  public var bound: Bound?

  public enum Bound: Sendable, Equatable {
    case atLeast(Double)
    case atMost(Double)
  }

  public init(_ name: String, _ value: Double?, _ bound: Bound? = nil, places: Int = 3) {
    self.name = name
    self.value = value
    self.bound = bound
    self.places = places
  }

  /// nil: nothing to reach, or nothing measured.
  public var holds: Bool? {
    guard let value, let bound else { return nil }
    return switch bound {
    case .atLeast(let least): value >= least
    case .atMost(let most): value <= most
    }
  }

  /// The value as text.
  public var shown: String { value.map { decimal($0, places) } ?? "not run" }

  /// What it has to be; empty without a bound.
  public var target: String {
    switch bound {
    case .atLeast(let least): "≥ \(decimal(least, places))"
    case .atMost(let most): "≤ \(decimal(most, places))"
    case nil: ""
    }
  }

  var text: String {
    name.padding(46) + " " + shown.indenting(9) + (bound == nil ? "" : "   target \(target)")
      + (holds.map { $0 ? "   ok" : "   MISSED" } ?? "")
  }
}

extension VerdictRow: Codable {
  enum CodingKeys: String, CodingKey {
    case name, value, places, atLeast, atMost, holds
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    name = try fields.decode(String.self, forKey: .name)
    value = try fields.decodeIfPresent(Double.self, forKey: .value)
    places = min(max(try fields.decodeIfPresent(Int.self, forKey: .places) ?? 3, 0), 12)
    if let least = try fields.decodeIfPresent(Double.self, forKey: .atLeast) {
      bound = .atLeast(least)
    } else {
      bound = try fields.decodeIfPresent(Double.self, forKey: .atMost).map { .atMost($0) }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(name, forKey: .name)
    try fields.encodeIfPresent(value.flatMap { $0.isFinite ? $0 : nil }, forKey: .value)
    try fields.encode(places, forKey: .places)
    switch bound {
    case .atLeast(let least): try fields.encode(least, forKey: .atLeast)
    case .atMost(let most): try fields.encode(most, forKey: .atMost)
    case nil: break
    }
    try fields.encodeIfPresent(holds, forKey: .holds)
  }
}
