import CMedullaABI
import MedullaBase
import MedullaDatapath
import MedullaKernel

extension FlowScheduling {
  /// What an instance has counted of each band.
  package func counts(of name: InstanceName) throws -> [scheduling_counts] {
    let map = try BPFMap(pinned: PinnedInstance.path(of: name) + "/" + Maps.counts)
    return try (0..<UInt32(settings.bands)).map { band in
      try map.valuesPerProcessor(at: band, as: scheduling_counts.self)
        .reduce(into: scheduling_counts()) { sum, own in
          sum.flows &+= own.flows
          sum.packets &+= own.packets
          sum.bytes &+= own.bytes
          sum.demoted &+= own.demoted
          sum.ended &+= own.ended
          sum.right &+= own.right
        }
    }
  }

  package func details(of name: InstanceName) -> [String: JSONValue] {
    let bands = ((try? counts(of: name)) ?? []).enumerated().map { index, counts -> JSONValue in
      let limit = settings.limits.indices.contains(index) ? settings.limits[index] : nil
      return .object([
        "band": .integer(index), "limit_bytes": limit.map { .integer(Int(clamping: $0)) } ?? .null,
        "flows": .integer(Int(clamping: counts.flows)), "packets": .integer(Int(clamping: counts.packets)),
        "bytes": .integer(Int(clamping: counts.bytes)), "demoted": .integer(Int(clamping: counts.demoted)),
        "ended": .integer(Int(clamping: counts.ended)), "right": .integer(Int(clamping: counts.right)),
      ])
    }
    return [
      "bands": .array(bands), "decides_at": .string(settings.moment.description),
      "priority": settings.priority.map { .string($0) } ?? .null,
      "dscp": .array(settings.marks.map { .integer(Int($0)) }), "demotes": .boolean(settings.demotes),
    ]
  }

  package static func tables(of status: InstanceStatus) -> [TextTable] {
    let columns = ["band", "limit_bytes", "flows", "packets", "bytes", "demoted", "ended", "right"]
    let rows = (status.details["bands"]?.array ?? []).map { row in
      columns.map { row.object?[$0]?.integer.map(String.init) ?? "-" }
    }
    return [TextTable(columns: columns, rows: rows, leaning: 0, isRuled: false)]
  }
}
