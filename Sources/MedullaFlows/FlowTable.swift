import Foundation

/// Flows as rows of a CSV file: who with whom, what was sent each way, and every feature.
package enum FlowTable {
  /// Columns that come first, in this order; those that are features are not repeated among them.
  static let leading = [
    "source_ip", "source_port", "destination_ip", "destination_port", "protocol", "packets_forward",
    "packets_backward", "bytes_forward", "bytes_backward",
  ]

  /// Features that no leading column has, by their places.
  private static let others = FlowFeature.all.indices.filter { !leading.contains(FlowFeature.all[$0].name) }

  package static let header = leading + others.map { FlowFeature.all[$0].name }

  package static func row(_ flow: FlowRecord) -> [String] {
    let features = flow.features
    let first = leading.map { column in
      switch column {
      case "source_ip": flow.sourceAddress
      case "destination_ip": flow.destinationAddress
      default: FlowFeature.all.firstIndex { $0.name == column }.map { String(features[$0]) } ?? ""
      }
    }
    return first + others.map { String(features[$0]) }
  }

  /// The file is written as a whole or not at all.
  ///
  /// - Throws: `unwritable` with what the system says.
  package static func write(_ flows: [FlowRecord], to path: String) throws(CaptureError) {
    var text = Data((header.joined(separator: ",") + "\n").utf8)
    for flow in flows { text.append(contentsOf: (row(flow).joined(separator: ",") + "\n").utf8) }
    do {
      try text.write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw CaptureError(
        .unwritable, "\(path) cannot be written", cause: error.localizedDescription,
        remedy: "check the directory, its permissions and its room")
    }
  }
}
