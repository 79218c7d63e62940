import Foundation
import MedullaRetraining

/// Labelled rows in the order of their stream: of a table of one of the two layouts that the study knows, the
/// columns that a network in the datapath could be told; of another, all columns but the label.
package struct FlowRows: Sendable {
  package enum Problem: Error, CustomStringConvertible {
    case unreadable(String)
    case malformed(String)

    package var description: String {
      switch self {
      case .unreadable(let what), .malformed(let what): what
      }
    }
  }

  /// sign(x) · ln(1 + |x|) of each feature.
  package let features: [[Float]]
  /// 0 benign, 1 attack.
  package let labels: [Int]
  package let names: [String]

  /// Columns of CIC-IDS2017 that a network in the datapath could be told; the port is a variant's.
  static let cic = [
    "protocol", "flow duration", "total fwd packets", "total backward packets", "total length of fwd packets",
    "total length of bwd packets", "fwd packet length max", "bwd packet length max", "flow bytes/s",
    "flow packets/s", "flow iat mean", "flow iat max", "fwd iat mean", "init_win_bytes_forward",
    "init_win_bytes_backward",
  ]
  static let port = "destination port"
  /// Beside its label, all that the UNSW-NB15 table has.
  static let unsw = [
    "dur", "proto", "sbytes", "dbytes", "sttl", "dttl", "sload", "dload", "spkts", "dpkts", "smean", "dmean",
    "sinpkt", "dinpkt", "tcprtt", "synack", "ackdat", "ct_src_ltm", "ct_dst_ltm", "ct_dst_src_ltm",
  ]

  /// - Parameter withPort: nil for a layout that has none.
  /// - Returns: nil where the port is asked for and the layout has none.
  package static func read(_ path: String, label: String, withPort: Bool) throws -> FlowRows? {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Problem.unreadable("the flows \(path) cannot be read")
    }
    let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
    let columns = (lines.first ?? "").split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
    func place(_ name: String) -> Int? { columns.firstIndex(of: name) }
    let isCIC = cic.allSatisfy { place($0) != nil }
    guard isCIC || !withPort else { return nil }
    guard let own = place(label.lowercased()) else {
      throw Problem.malformed("\(path) has no column \(label)")
    }
    let names =
      isCIC
      ? cic + (withPort ? [port] : [])
      : unsw.allSatisfy { place($0) != nil } ? unsw : columns.filter { !$0.isEmpty && $0 != columns[own] }
    guard !names.isEmpty else { throw Problem.malformed("\(path) has no column beside \(label)") }
    let places = names.compactMap(place)
    guard places.count == names.count else {
      throw Problem.malformed("\(path) has no column \(port)")
    }
    var (features, labels): ([[Float]], [Int]) = ([], [])
    for (number, line) in lines.dropFirst().enumerated() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count == columns.count, let label = Double(fields[own]), label == 0 || label == 1 else {
        throw Problem.malformed("line \(number + 2) of \(path) has other fields, or a label besides 0 and 1")
      }
      let values = places.map { Double(fields[$0].trimmingCharacters(in: .whitespaces)) }
      guard values.allSatisfy({ $0 != nil }) else {
        throw Problem.malformed("line \(number + 2) of \(path) has a feature that is no number")
      }
      features.append(values.map { Standardization.compressed($0 ?? 0) })
      labels.append(Int(label))
    }
    return FlowRows(features: features, labels: labels, names: names)
  }

  init(features: [[Float]], labels: [Int], names: [String]) {
    (self.features, self.labels, self.names) = (features, labels, names)
  }

  package var count: Int { labels.count }

  /// The first rows only.
  package func prefix(_ count: Int) -> FlowRows {
    FlowRows(
      features: Array(features.prefix(count)), labels: Array(labels.prefix(count)), names: names)
  }

  /// The rows after the bootstrap in halves of their blocks, first halves before second ones: each condition
  /// comes back once.
  package func interleaved(bootstrap: Int, block: Int) -> FlowRows {
    let starts = stride(from: bootstrap, to: count, by: block)
    let half = block / 2
    let order =
      Array(0..<min(bootstrap, count))
      + starts.flatMap { Array($0..<min($0 + half, count)) }
      + starts.flatMap { Array(min($0 + half, count)..<min($0 + block, count)) }
    return FlowRows(
      features: order.map { features[$0] }, labels: order.map { labels[$0] }, names: names)
  }
}
