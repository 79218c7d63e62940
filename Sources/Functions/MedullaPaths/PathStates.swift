import CMedullaABI
import MedullaBase
import MedullaDatapath
import MedullaKernel

extension PathSelection {
  /// What an instance has counted of each path.
  package func counts(of name: InstanceName) throws -> [path_counts] {
    let map = try BPFMap(pinned: PinnedInstance.path(of: name) + "/" + Maps.counts)
    return try settings.paths.indices.map { path in
      try map.valuesPerProcessor(at: UInt32(path), as: path_counts.self)
        .reduce(into: path_counts()) { sum, own in
          sum.flows &+= own.flows
          sum.packets &+= own.packets
          sum.bytes &+= own.bytes
          sum.explored &+= own.explored
          sum.hashed &+= own.hashed
          sum.left &+= own.left
          sum.deaths &+= own.deaths
          sum.probes &+= own.probes
          sum.revivals &+= own.revivals
          sum.unfit &+= own.unfit
        }
    }
  }

  /// What an instance knows of each path.
  package func states(of name: InstanceName) throws -> [path_state] {
    let map = try BPFMap(pinned: PinnedInstance.path(of: name) + "/" + Maps.states)
    return try settings.paths.indices.map { try map.value(at: UInt32($0), as: path_state.self) }
  }

  package func details(of name: InstanceName) -> [String: JSONValue] {
    let counts = (try? counts(of: name)) ?? []
    let states = (try? states(of: name)) ?? []
    let paths = zip(settings.paths, zip(counts, states)).enumerated().map { index, path -> JSONValue in
      let (counts, state) = path.1
      return .object([
        "path": .integer(index + 1), "way": .string(path.0.description),
        "alive": .boolean(state.silent_ns == 0), "rtt_us": .count(state.rtt_us),
        "on_it": .count(state.flows), "marks": .number(Self.share(state.marked, of: state.delivered)),
        "losses": .number(Self.share(state.repeated, of: state.sent)), "flows": .count(counts.flows),
        "packets": .count(counts.packets), "bytes": .count(counts.bytes),
        "explored": .count(counts.explored), "hashed": .count(counts.hashed), "left": .count(counts.left),
        "deaths": .count(counts.deaths), "probes": .count(counts.probes),
        "revivals": .count(counts.revivals), "unfit": .count(counts.unfit),
      ])
    }
    return [
      "paths": .array(paths), "margin": .number(settings.margin),
      "explore": .integer(settings.explores), "flowlet_gap": .string(settings.gapText),
    ]
  }

  private static func share(_ part: UInt64, of whole: UInt64) -> Double {
    whole > 0 ? Double(part) / Double(whole) : 0
  }

  package static func tables(of status: InstanceStatus) -> [TextTable] {
    let rows = (status.details["paths"]?.array ?? []).map { row in
      columns.map { column in row.object?[column].map(text) ?? "-" }
    }
    return [TextTable(columns: columns, rows: rows, leaning: 2, isRuled: false)]
  }

  private static let columns = [
    "path", "way", "alive", "rtt_us", "on_it", "flows", "packets", "bytes", "left", "deaths", "revivals",
    "unfit",
  ]

  private static func text(_ value: JSONValue) -> String {
    if let text = value.string { return text }
    if case .boolean(let flag) = value { return flag ? "yes" : "no" }
    return value.integer.map(String.init) ?? "-"
  }
}
