import Foundation

/// Priorities by flow size: band 0 has the smallest flows and leaves first.
package struct FlowBands: Codable, Equatable, Sendable {
  /// Sizes from which the next band begins, ascending.
  package var bounds: [Int]

  package init(_ bounds: [Int] = [10_000, 100_000, 1_000_000]) {
    self.bounds = bounds
  }

  package var count: Int { bounds.count + 1 }

  package func band(ofBytes bytes: Int) -> Int { bounds.filter { bytes >= $0 }.count }

  /// The bounds as outputs of the network: logarithms in fixed point.
  package func outputs(fractionBits: Int) -> [Int64] {
    bounds.map { Int64((log2(Double($0)) * Double(1 << fractionBits)).rounded()) }
  }

  /// The band of an output in fixed point.
  package func band(ofOutput output: Int64, fractionBits: Int) -> Int {
    outputs(fractionBits: fractionBits).filter { output >= $0 }.count
  }
}
