import Foundation

/// Connections of a workload by their number, and which of their ends a descriptor is.
struct FlowPairTable: Sendable {
  enum End {
    case opened
    case accepted
  }

  /// nil: closed.
  private var pairs: [FlowPair?]
  private var places: [Int32: (number: Int, end: End)] = [:]

  init(_ pairs: [FlowPair]) {
    self.pairs = pairs
    for (number, pair) in pairs.enumerated() {
      places[pair.opened] = (number, .opened)
      places[pair.accepted] = (number, .accepted)
    }
  }

  /// Those that stand.
  var open: [(number: Int, pair: FlowPair)] {
    pairs.enumerated().compactMap { number, pair in pair.map { (number, $0) } }
  }

  /// nil: of none that stands.
  func place(of descriptor: Int32) -> (number: Int, end: End)? { places[descriptor] }

  mutating func close(_ number: Int) {
    guard let pair = pairs[number] else { return }
    pairs[number] = nil
    places[pair.opened] = nil
    places[pair.accepted] = nil
    pair.close()
  }

  mutating func closeAll() {
    for number in pairs.indices { close(number) }
  }
}
