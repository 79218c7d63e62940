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
          sum.refused &+= own.refused
        }
    }
  }

  /// The most bytes of each band but the last, as they are now.
  package func limits(of name: InstanceName) throws -> [UInt64] {
    guard !settings.shares.isEmpty else { return settings.limits }
    let map = try BPFMap(pinned: PinnedInstance.path(of: name) + "/" + Maps.settings)
    let words = try map.value(at: 0, as: scheduling_settings.self)
    return withUnsafeBytes(of: words.limits) { memory in
      Array(memory.bindMemory(to: UInt64.self).prefix(settings.limits.count))
    }
  }

  package func details(of name: InstanceName) -> [String: JSONValue] {
    let limits = (try? limits(of: name)) ?? settings.limits
    let bands = ((try? counts(of: name)) ?? []).enumerated().map { index, counts -> JSONValue in
      let limit = limits.indices.contains(index) ? limits[index] : nil
      return .object([
        "band": .integer(index), "limit_bytes": limit.map { .integer(Int(clamping: $0)) } ?? .null,
        "flows": .integer(Int(clamping: counts.flows)), "packets": .integer(Int(clamping: counts.packets)),
        "bytes": .integer(Int(clamping: counts.bytes)), "demoted": .integer(Int(clamping: counts.demoted)),
        "ended": .integer(Int(clamping: counts.ended)), "right": .integer(Int(clamping: counts.right)),
        "refused": .count(counts.refused),
      ])
    }
    return [
      "bands": .array(bands), "decides_at": .string(settings.moment.description),
      "priority": settings.priority.map { .string($0) } ?? .null,
      "quantiles": .array(settings.shares.map { .number(Double($0) / 1e6) }),
      "dscp": .array(settings.marks.map { .integer(Int($0)) }), "demotes": .boolean(settings.demotes),
      "admission": .string(settings.admissionText),
    ]
  }

  package static func tables(of status: InstanceStatus) -> [TextTable] {
    let columns = [
      "band", "limit_bytes", "flows", "packets", "bytes", "demoted", "ended", "right", "refused",
    ]
    let rows = (status.details["bands"]?.array ?? []).map { row in
      columns.map { row.object?[$0]?.integer.map(String.init) ?? "-" }
    }
    return [TextTable(columns: columns, rows: rows, leaning: 0, isRuled: false)]
  }
}
