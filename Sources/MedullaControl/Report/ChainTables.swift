import MedullaBase
import MedullaNF

/// Chains as tables for a terminal.
package enum ChainTables {
  /// One line for each function: what there is.
  package static func list(_ chains: [ChainReport]) -> String {
    let rows = chains.flatMap { chain in
      chain.functions.map { function in
        [
          chain.name, function.name, chain.interfaces.map(\.name).joined(separator: ","),
          function.state.rawValue, function.process.map(String.init) ?? "-", "\(function.quota)",
          function.lastEnd ?? "",
        ]
      }
    }
    return TextTable(
      columns: ["CHAIN", "FUNCTION", "INTERFACES", "STATE", "PROCESS", "QUOTA", "LAST END"], rows: rows,
      leaning: 4, isRuled: false
    ).text
  }

  /// All counts of one chain.
  package static func counts(_ chain: ChainReport) -> String {
    let frames = chain.frames
    let pages = frames.isHuge ? "huge pages" : "normal pages"
    let copies = chain.interfaces.map { "\($0.name) \($0.isZeroCopy ? "without a copy" : "by copy")" }
    let isOverDPDK = chain.interfaces.contains { $0.lost != nil }
    let holders = isOverDPDK ? "DPDK's devices" : "the kernel and entry functions"
    var lines = [
      "chain \(chain.name) (\(chain.mode.rawValue)): \(frames.bytes >> 20) MiB in \(pages), "
        + copies.joined(separator: ", "),
      "frames: \(frames.total), \(frames.free) free, \(frames.inKernel) with \(holders), "
        + "\(frames.inSending) being sent",
      "delivered \(chain.delivered), unmatched \(chain.unmatched), not taken \(chain.notTaken), malformed "
        + "\(chain.malformed), unstamped \(chain.unstamped)",
    ]
    if let classifier = chain.classifier {
      lines.append(
        "classes by \(classifier.name), "
          + (classifier.isAttached
            ? "attached" : "which has gone: rules that ask for its classes match nothing"))
    }
    for interface in chain.interfaces
    where interface.sent > 0 || interface.refused > 0 || interface.lost ?? 0 > 0 {
      let lost = interface.lost.map { ", not received \($0)" } ?? ""
      lines.append("\(interface.name): sent \(interface.sent), no room for \(interface.refused)\(lost)")
    }
    lines.append(functions(chain))
    return lines.joined(separator: "\n")
  }

  /// A frame of `medulla top`: a line of the chain, the columns' names, and a line for each function.
  static func live(_ chain: ChainReport, rates: ChainRates) -> String {
    let interfaces = chain.interfaces.map(\.name).joined(separator: ", ")
    let title =
      "chain \(chain.name) on \(interfaces): \(chain.frames.free) of \(chain.frames.total) frames free, "
      + "not taken "
      + "\(chain.notTaken)"
    let rows = chain.functions.map { function in
      [
        function.name, function.state.rawValue,
        rates.rate(of: function.name, chain: chain.name).map { NumberText.short($0.rounded()) } ?? "-",
        "\(function.held)/\(function.quota)", "\(function.overQuota)", "\(function.forged)",
        "\(function.ends)", latency(function.latency),
      ]
    }
    return title + "\n"
      + TextTable(
        columns: ["FUNCTION", "STATE", "FRAMES/S", "HELD", "OVER QUOTA", "FORGED", "ENDS", "P50/P99"],
        rows: rows, leaning: 2, isRuled: false
      ).text
  }

  private static func functions(_ chain: ChainReport) -> String {
    let rows = chain.functions.map { function in
      [
        function.name, function.state.rawValue, "\(function.received)", "\(function.returned)",
        "\(function.held)", "\(function.overQuota)", "\(function.absent)", "\(function.forged)",
        "\(function.reclaimed)", "\(function.ends)", latency(function.latency),
        function.counters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "),
      ]
    }
    return TextTable(
      columns: [
        "FUNCTION", "STATE", "RECEIVED", "RETURNED", "HELD", "OVER QUOTA", "ABSENT", "FORGED", "RECLAIMED",
        "ENDS", "P50/P99", "COUNTERS",
      ], rows: rows, leaning: 2, isRuled: false
    ).text
  }

  static func latency(_ latency: ChainReport.Percentiles?) -> String {
    guard let latency else { return "-" }
    return "\(time(latency.p50))/\(time(latency.p99))"
  }

  private static func time(_ nanoseconds: UInt64) -> String {
    DurationText.short(seconds: Double(nanoseconds) / 1e9)
  }
}

/// What functions of chains do a second, from one report to the next.
struct ChainRates: Equatable {
  private var last: [String: (time: Double, received: UInt64)] = [:]
  private var rates: [String: Double] = [:]

  mutating func add(_ report: DaemonReport) {
    var now: [String: (time: Double, received: UInt64)] = [:]
    for chain in report.chains {
      for function in chain.functions {
        let key = chain.name + "/" + function.name
        now[key] = (report.time, function.received)
        guard let before = last[key], report.time > before.time, function.received >= before.received else {
          rates[key] = nil
          continue
        }
        rates[key] = Double(function.received - before.received) / (report.time - before.time)
      }
    }
    last = now
  }

  /// nil: it was not there in the report before.
  func rate(of function: String, chain: String) -> Double? { rates[chain + "/" + function] }

  static func == (one: ChainRates, other: ChainRates) -> Bool { one.rates == other.rates }
}
