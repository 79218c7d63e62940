/// Prefixes by which addresses are looked up: the longest one that an address lies in.
///
/// Prefixes lie nested or apart, so that those of one version, in the order of their first addresses, are a
/// forest: each knows the one around it. A look-up is a binary search for the last prefix that begins at or
/// before the address, and from there a walk outwards: at most 33 steps for IPv4, 129 for IPv6.
package struct PrefixTable: Sendable, Equatable {
  private struct Forest: Sendable, Equatable {
    var firsts: [UInt128] = []
    var lengths: [UInt8] = []
    /// The place of the prefix around each; -1: none.
    var outer: [Int32] = []
  }

  /// Of all prefixes: places are 32 bits wide.
  package static let limit = 16_000_000

  private var four = Forest()
  private var six = Forest()

  /// - Parameter prefixes: at most `limit`; those beyond it are left out. The same one may stand there
  ///   twice.
  package init(_ prefixes: some Sequence<IPPrefix>) {
    var (ofFour, ofSix): ([IPPrefix], [IPPrefix]) = ([], [])
    for prefix in prefixes.prefix(Self.limit) {
      if prefix.address.version == .four { ofFour.append(prefix) } else { ofSix.append(prefix) }
    }
    four = Self.forest(ofFour)
    six = Self.forest(ofSix)
  }

  package var count: Int { four.firsts.count + six.firsts.count }

  /// The longest prefix with the address; nil: it lies in none.
  package func longest(_ address: IPAddress) -> IPPrefix? {
    let forest = address.version == .four ? four : six
    var (low, high) = (0, forest.firsts.count)
    while low < high {
      let middle = low + (high - low) / 2
      if forest.firsts[middle] <= address.bits { low = middle + 1 } else { high = middle }
    }
    var place = low - 1
    while place >= 0 {
      let length = Int(forest.lengths[place])
      if address.bits & IPPrefix.mask(length) == forest.firsts[place] {
        return IPPrefix(address, length: length)
      }
      place = Int(forest.outer[place])
    }
    return nil
  }

  /// Those of one version. Shorter prefixes stand before longer ones with the same first address.
  private static func forest(_ prefixes: [IPPrefix]) -> Forest {
    var forest = Forest()
    var open: [Int32] = []
    let sorted = prefixes.sorted { ($0.address.bits, $0.length) < ($1.address.bits, $1.length) }
    for (index, prefix) in sorted.enumerated() {
      if index > 0, sorted[index - 1] == prefix { continue }
      while let last = open.last {
        let around = Int(forest.lengths[Int(last)])
        if prefix.address.bits & IPPrefix.mask(around) == forest.firsts[Int(last)] { break }
        open.removeLast()
      }
      forest.outer.append(open.last ?? -1)
      open.append(Int32(forest.firsts.count))
      forest.firsts.append(prefix.address.bits)
      forest.lengths.append(UInt8(prefix.length))
    }
    return forest
  }
}
