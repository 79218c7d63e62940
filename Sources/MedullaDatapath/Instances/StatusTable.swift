/// An instance's status for people: the same columns as the keys of the JSON.
public struct StatusTable {
  private let status: CongestionStatus

  public init(_ status: CongestionStatus) {
    self.status = status
  }

  public var text: String {
    var lines = [
      "\(status.name): "
        + (status.hook.map { "function at \($0)" } ?? "TCP congestion control \(status.congestion)")
    ]
    for generation in status.generations where status.generations.count > 1 || generation.retired {
      let role = generation.current ? "current" : generation.retired ? "retired" : "old"
      lines.append("  program set \(generation.number) (\(role)): \(generation.flows) flows")
    }
    if let cost = status.generations.first(where: \.current)?.nanosecondsPerACK {
      lines.append("  \(Self.rounded(cost)) ns per ACK, all told")
    }
    if status.sampling > 0 || status.samples > 0 || status.samplesDropped > 0 {
      let ratio = status.sampling > 0 ? "every \(status.sampling). decision" : "off"
      lines.append("  samples: \(ratio), \(status.samples) sent, \(status.samplesDropped) dropped")
    }
    if let staged = status.staged {
      var line = "  staged: version \(staged.version) in slot \(staged.slot) of set \(staged.generation)"
      if let shadow = status.shadow, shadow.every > 0 || shadow.inferences > 0 {
        let largest = shadow.maximumDifference.map { String(Float($0)) } ?? "-"
        line +=
          "; shadow of every \(shadow.every). decision: \(shadow.inferences), difference at most \(largest)"
      }
      lines.append(line)
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
