import CMedullaABI
import MedullaBase
import MedullaDatapath
import MedullaKernel

/// What an instance has counted of one class, or of flows that are unsure or pending.
package struct ClassCounts: Codable, Sendable, Equatable {
  package let label: String
  /// As `ClassifierAction` writes it.
  package let action: String
  /// That were decided so.
  package let flows: UInt64
  package let packets: UInt64
  /// Of frames on the wire.
  package let bytes: UInt64
  package let dropped: UInt64
  package let mirrored: UInt64
  /// Packets that were to be mirrored when the ring was full.
  package let mirrorsLost: UInt64
  /// Flows that the network was unsure of and user space has put into this class.
  package let answered: UInt64

  /// Its keys are those of the JSON.
  enum CodingKeys: String, CodingKey {
    case label, action, flows, packets, bytes, dropped, mirrored, answered
    case mirrorsLost = "mirrors_lost"
  }
}

extension Classifier {
  /// Of each class, then of unsure and of pending flows.
  package func counts(of name: InstanceName) throws -> [ClassCounts] {
    let map = try BPFMap(pinned: PinnedInstance.path(of: name) + "/" + Maps.counts)
    let rows =
      labels.enumerated().map { ($0, $1, settings.actions[$1] ?? .count) } + [
        (Int(CLASSIFIER_UNSURE), ClassifierSettings.unsureName, settings.unsure),
        (Int(CLASSIFIER_PENDING), ClassifierSettings.pendingName, settings.pending),
      ]
    return try rows.map { row, label, action in
      let all = try map.valuesPerProcessor(at: UInt32(row), as: classifier_counts.self)
      func sum(_ part: (classifier_counts) -> UInt64) -> UInt64 { all.reduce(0) { $0 &+ part($1) } }
      return ClassCounts(
        label: label, action: action.description, flows: sum(\.flows), packets: sum(\.packets),
        bytes: sum(\.bytes), dropped: sum(\.dropped), mirrored: sum(\.mirrored),
        mirrorsLost: sum(\.mirrors_lost), answered: sum(\.answered))
    }
  }

  package func details(of name: InstanceName) -> [String: JSONValue] {
    let classes = ((try? counts(of: name)) ?? []).map { counts -> JSONValue in
      .object([
        "label": .string(counts.label), "action": .string(counts.action), "flows": .count(counts.flows),
        "packets": .count(counts.packets), "bytes": .count(counts.bytes), "dropped": .count(counts.dropped),
        "mirrored": .count(counts.mirrored), "mirrors_lost": .count(counts.mirrorsLost),
        "answered": .count(counts.answered),
      ])
    }
    return [
      "classes": .array(classes), "decides_at": .string(settings.moment.description),
      "margin": .number(settings.margin),
    ]
  }

  package static func tables(of status: InstanceStatus) -> [TextTable] {
    let columns = ["label", "action", "flows", "packets", "bytes", "dropped", "mirrored", "answered"]
    let rows = (status.details["classes"]?.array ?? []).map { row in
      columns.map { row.object?[$0]?.string ?? row.object?[$0]?.integer.map(String.init) ?? "" }
    }
    return [TextTable(columns: columns, rows: rows, leaning: 2, isRuled: false)]
  }
}
