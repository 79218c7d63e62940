/// How wide weights and activations are. Both are symmetric: zero is the integer 0.
package enum QuantizationScheme: String, Hashable, Sendable, Codable, CaseIterable {
  case w8a8
  case w8a10
  case w8a16
  case w16a16

  /// Cheapest to run first: the order in which a search for a target error tries them.
  package static let cheapestFirst: [QuantizationScheme] = [.w8a8, .w8a10, .w8a16, .w16a16]

  /// Weights lie in −limit…limit.
  package var weightLimit: Int64 { self == .w16a16 ? 32767 : 127 }

  /// Activations between layers lie in −limit…limit.
  package var activationLimit: Int64 {
    switch self {
    case .w8a8: 127
    case .w8a10: 511
    case .w8a16, .w16a16: 32767
    }
  }

  /// Whether activations are so narrow that three sums may fit a word.
  package var isNarrow: Bool { self == .w8a8 || self == .w8a10 }

  /// The requantization shift of a sum, where the weights allow it. Chosen so that typical sums meet a
  /// multiplier of 20 to 30 bits, and constant so that tuned weights keep the program's shape.
  package var preferredShift: Int {
    switch self {
    case .w8a8: 26
    case .w8a10: 28
    case .w8a16: 30
    case .w16a16: 36
    }
  }

  /// Segments of a function table; the interpolation error falls with the square.
  package var tableSegments: Int { isNarrow ? 128 : 512 }

  /// Bits below one segment: a table is addressed with `segments << bits` steps.
  package var tableFractionBits: Int { isNarrow ? 7 : 9 }

  /// `W8A16`, as people write it.
  package var title: String { rawValue.uppercased() }
}

extension QuantizationScheme {
  /// How far a calibrated range is widened on each side by default: 16 bits can afford a quarter.
  package var standardHeadroom: Double { isNarrow ? 0.05 : 0.25 }
}
