/// A value of P4's `bit<W>`, of any width.
struct P4Bits: Equatable, Hashable {
  let width: Int
  /// The lowest first; what is above the width is 0.
  private var words: [UInt64]

  init(_ value: UInt64 = 0, width: Int) {
    self.init([value], width: width)
  }

  private init(_ words: [UInt64], width: Int) {
    let count = (width + 63) / 64
    var cut = Array(words.prefix(count))
    cut += [UInt64](repeating: 0, count: count - cut.count)
    if width % 64 > 0, count > 0 { cut[count - 1] &= 1 << UInt64(width % 64) - 1 }
    (self.words, self.width) = (cut, width)
  }

  /// Of bytes as they lie in a packet.
  init(bytes: some BidirectionalCollection<UInt8>) {
    var words = [UInt64](repeating: 0, count: (bytes.count + 7) / 8)
    for (place, byte) in bytes.reversed().enumerated() {
      words[place / 8] |= UInt64(byte) << UInt64(place % 8 * 8)
    }
    self.init(words, width: bytes.count * 8)
  }

  var bytes: [UInt8] {
    (0..<width / 8).reversed().map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8)) }
  }

  /// The lowest 64 bits.
  var value: UInt64 { words.first ?? 0 }
  var isZero: Bool { words.allSatisfy { $0 == 0 } }

  func cast(to width: Int) -> P4Bits { P4Bits(words, width: width) }

  func slice(_ high: Int, _ low: Int) -> P4Bits { (self >> low).cast(to: high - low + 1) }

  func followed(by lower: P4Bits) -> P4Bits {
    let width = width + lower.width
    return cast(to: width) << lower.width | lower.cast(to: width)
  }

  static func << (bits: P4Bits, count: Int) -> P4Bits {
    guard count < bits.width else { return P4Bits(width: bits.width) }
    let (whole, rest) = (count / 64, UInt64(count % 64))
    let words = bits.words.indices.map { place -> UInt64 in
      guard place >= whole else { return 0 }
      let low = rest > 0 && place > whole ? bits.words[place - whole - 1] >> (64 - rest) : 0
      return bits.words[place - whole] << rest | low
    }
    return P4Bits(words, width: bits.width)
  }

  static func >> (bits: P4Bits, count: Int) -> P4Bits {
    guard count < bits.width else { return P4Bits(width: bits.width) }
    let (whole, rest) = (count / 64, UInt64(count % 64))
    let words = bits.words.indices.map { place -> UInt64 in
      guard place + whole < bits.words.count else { return 0 }
      let next = place + whole + 1
      let high = rest > 0 && next < bits.words.count ? bits.words[next] << (64 - rest) : 0
      return bits.words[place + whole] >> rest | high
    }
    return P4Bits(words, width: bits.width)
  }

  private static func each(
    _ one: P4Bits, _ other: P4Bits, _ body: (UInt64, UInt64) -> UInt64
  ) -> P4Bits {
    P4Bits(zip(one.words, other.words).map(body), width: one.width)
  }

  static func & (one: P4Bits, other: P4Bits) -> P4Bits { each(one, other, &) }
  static func | (one: P4Bits, other: P4Bits) -> P4Bits { each(one, other, |) }
  static func ^ (one: P4Bits, other: P4Bits) -> P4Bits { each(one, other, ^) }

  static func + (one: P4Bits, other: P4Bits) -> P4Bits {
    var carry: UInt64 = 0
    return each(one, other) { a, b in
      let (sum, first) = a.addingReportingOverflow(b)
      let (whole, second) = sum.addingReportingOverflow(carry)
      carry = first || second ? 1 : 0
      return whole
    }
  }

  static func - (one: P4Bits, other: P4Bits) -> P4Bits {
    let inverse = P4Bits(other.words.map { ~$0 }, width: other.width)
    return one + inverse + P4Bits(1, width: one.width)
  }

  static func < (one: P4Bits, other: P4Bits) -> Bool {
    for (a, b) in zip(one.words, other.words).reversed() where a != b { return a < b }
    return false
  }
}
