import Foundation

/// Flows as rows of a CSV file.
package struct FlowTable {
  package let header: [String]
  package private(set) var rows: [[String]] = []

  /// Columns that come first, in this order; those that are features are not repeated among them.
  static let leading = [
    "source_ip", "source_port", "destination_ip", "destination_port", "protocol", "packets_forward",
    "packets_backward", "bytes_forward", "bytes_backward",
  ]
  /// Of them, what says which flow it is.
  private static let key = leading.prefix(5)

  /// Features that no leading column has, by their places.
  private static let others = FlowFeature.all.indices.filter { !leading.contains(FlowFeature.all[$0].name) }

  /// Who with whom, what was sent each way, and every feature.
  package init(_ flows: [FlowRecord]) {
    header = Self.leading + Self.others.map { FlowFeature.all[$0].name }
    rows = flows.map { flow in
      let features = flow.features
      return Self.text(Self.leading[...], of: flow, features) + Self.others.map { String(features[$0]) }
    }
  }

  /// Who with whom, and a network's inputs.
  package init(of inputs: FlowInputs) {
    header = Self.key + inputs.features.map(\.description)
  }

  /// - Parameter words: of the inputs that the table is of.
  package mutating func add(_ flow: FlowRecord, _ words: [Int64], fractionBits: Int) {
    let scale = Double(Int64(1) << Int64(fractionBits))
    rows.append(Self.text(Self.key, of: flow, flow.features) + words.map { String(Double($0) / scale) })
  }

  private static func text(_ columns: ArraySlice<String>, of flow: FlowRecord, _ features: [UInt64])
    -> [String]
  {
    columns.map { column in
      switch column {
      case "source_ip": flow.sourceAddress
      case "destination_ip": flow.destinationAddress
      default: FlowFeature.all.firstIndex { $0.name == column }.map { String(features[$0]) } ?? ""
      }
    }
  }

  package var lines: [String] { [header.joined(separator: ",")] + rows.map { $0.joined(separator: ",") } }

  /// The file is written as a whole or not at all.
  ///
  /// - Throws: `unwritable` with what the system says.
  package func write(to path: String) throws(CaptureError) {
    do {
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(
        to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw CaptureError(
        .unwritable, "\(path) cannot be written", cause: error.localizedDescription,
        remedy: "check the directory, its permissions and its room")
    }
  }
}
