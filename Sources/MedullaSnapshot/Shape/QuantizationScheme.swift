/// How wide weights and activations are. Both are symmetric: zero is the integer 0.
package enum QuantizationScheme: String, Hashable, Sendable, Codable, CaseIterable {
  case w8a8
  case w8a16
  case w16a16

  /// Cheapest to run first: the order in which a search for a target error tries them.
  package static let cheapestFirst: [QuantizationScheme] = [.w8a8, .w8a16, .w16a16]

  /// Weights lie in −limit…limit.
  package var weightLimit: Int64 { self == .w16a16 ? 32767 : 127 }

  /// Activations between layers lie in −limit…limit.
  package var activationLimit: Int64 { self == .w8a8 ? 127 : 32767 }

  /// The requantization shift of a sum, where the weights allow it. Chosen so that typical sums meet a
  /// multiplier of 20 to 30 bits, and constant so that tuned weights keep the program's shape.
  package var preferredShift: Int {
    switch self {
    case .w8a8: 26
    case .w8a16: 30
    case .w16a16: 36
    }
  }

  /// Segments of a function table; the interpolation error falls with the square.
  package var tableSegments: Int { self == .w8a8 ? 128 : 512 }

  /// Bits below one segment: a table is addressed with `segments << bits` steps.
  package var tableFractionBits: Int { self == .w8a8 ? 7 : 9 }

  /// `W8A16`, as people write it.
  package var title: String { rawValue.uppercased() }
}

extension QuantizationScheme {
  /// How far a calibrated range is widened on each side by default: 16 bits can afford a quarter.
  package var standardHeadroom: Double { self == .w8a8 ? 0.05 : 0.25 }
}
