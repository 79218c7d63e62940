/// An instance's status for people: the same columns as the keys of the JSON.
public struct StatusTable {
  private let status: CongestionStatus

  public init(_ status: CongestionStatus) {
    self.status = status
  }

  public var text: String {
    var lines = ["\(status.name): TCP congestion control \(status.congestion)"]
    for generation in status.generations where status.generations.count > 1 || generation.retired {
      let role = generation.current ? "current" : generation.retired ? "retired" : "old"
      lines.append("  program set \(generation.number) (\(role)): \(generation.flows) flows")
    }
    if let cost = status.generations.first(where: \.current)?.nanosecondsPerACK {
      lines.append("  \(Self.rounded(cost)) ns per ACK, all told")
    }
    let header = [
      "slot", "set", "version", "digest", "state", "flows", "inferences", "ns/inference", "guard", "name",
    ]
    let rows = status.slots.map { slot in
      [
        "\(slot.index)", "\(slot.generation)", "\(slot.version)", String(slot.digest.prefix(12)),
        slot.state.rawValue, "\(slot.flows)", "\(slot.inferences)",
        slot.nanosecondsPerInference.map(Self.rounded) ?? "-", "\(slot.guardEvents)", slot.name,
      ]
    }
    lines += Self.columns([header] + rows).map { "  " + $0 }
    return lines.joined(separator: "\n")
  }

  static func rounded(_ value: Double) -> String { String(Int(value.rounded())) }

  /// Left-aligned columns with two spaces between them.
  static func columns(_ rows: [[String]]) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: max(width - cell.count, 0))
      }
      return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
  }
}
