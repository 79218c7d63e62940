import MedullaBase

/// An instance's status for people: the same columns as the keys of the JSON.
package struct StatusTable {
  private let status: InstanceStatus
  private let function: (any DatapathFunction.Type)?

  /// - Parameter functions: where the instance's function is looked up, for its words.
  package init(_ status: InstanceStatus, among functions: FunctionList) {
    self.status = status
    function = functions[status.function]
  }

  package var text: String {
    var lines = ["\(status.name): \(function?.title(of: status) ?? status.function)"]
    for generation in status.generations where status.generations.count > 1 || generation.retired {
      let role = generation.current ? "current" : generation.retired ? "retired" : "old"
      lines.append("  program set \(generation.number) (\(role)): \(generation.flows) flows")
    }
    if let cost = status.generations.first(where: \.current)?.nanosecondsPerRun {
      lines.append("  \(Self.rounded(cost)) ns per \(function?.event ?? "run"), all told")
    }
    if let limit = status.flowLimit {
      lines.append("  flows: \(status.slots.reduce(0) { $0 + $1.flows }) of at most \(limit) are kept")
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
    let counters = (function?.counters ?? []).compactMap { counter in
      counter.column.map { (title: $0, key: counter.key) }
    }
    let header =
      ["slot", "set", "version", "digest", "state", "flows", "inferences", "ns/inference"]
      + counters.map(\.title) + ["name"]
    let rows = status.slots.map { slot -> [String] in
      let common: [String] = [
        "\(slot.index)", "\(slot.generation)", "\(slot.version)", String(slot.digest.prefix(12)),
        slot.state.rawValue, "\(slot.flows)", "\(slot.inferences)",
        slot.nanosecondsPerInference.map(Self.rounded) ?? "-",
      ]
      let own = counters.map { counter -> String in String(slot.counters[counter.key] ?? 0) }
      return common + own + [slot.name]
    }
    let table = TextTable(columns: header, rows: rows, leaning: header.count, isRuled: false)
    for table in [table] + (function?.tables(of: status) ?? []) {
      lines += table.text.split(separator: "\n").map { "  " + $0 }
    }
    return lines.joined(separator: "\n")
  }

  static func rounded(_ value: Double) -> String { String(Int(value.rounded())) }
}
