import MedullaAdaptation
import MedullaBase
import MedullaDatapath

/// A frame of `medulla top` as lines of text: a function of the report, the frames before and the size.
struct TopFrame {
  static let widthRange = 40...400

  /// The last frames' figures, for the little curves.
  struct Trends {
    static let length = 64
    private(set) var rewards: [String: [Double]] = [:]
    private(set) var rates: [String: [Double]] = [:]
    /// Frames a second of each function of each chain.
    private(set) var chains = ChainRates()

    mutating func add(_ report: DaemonReport) {
      chains.add(report)
      for function in report.functions {
        let name = function.state.name
        Self.push(function.state.samplesPerSecond, to: &rates[name, default: []])
        if let reward = function.state.reward { Self.push(reward, to: &rewards[name, default: []]) }
      }
    }

    private static func push(_ value: Double, to values: inout [Double]) {
      values.append(value)
      if values.count > length { values.removeFirst() }
    }
  }

  let lines: [String]

  /// - Parameters:
  ///   - rows: lines that fit; nil: as many as there are.
  init(_ report: DaemonReport, trends: Trends, columns: Int, rows: Int?, isColoured: Bool) {
    let width = min(max(columns, Self.widthRange.lowerBound), Self.widthRange.upperBound)
    let paint = Paint(isOn: isColoured)
    var lines = [Self.header(report, width: width, paint)]
    if !report.history.ok {
      let text = "history: \(report.history.lastFailure ?? "not written"), \(report.history.lost) rows lost"
      lines.append(paint.bad(Self.fit(text, width)))
    }
    lines.append("")
    lines.append(paint.strong(Self.fit(Self.titles, width)))
    for function in report.functions {
      lines += Self.block(function, trends: trends, width: width, paint)
    }
    if report.functions.isEmpty { lines.append("no functions") }
    for chain in report.chains {
      lines.append("")
      let rows = ChainTables.live(chain, rates: trends.chains).split(separator: "\n").map(String.init)
      lines += rows.enumerated().map {
        $0.offset < 2 ? paint.strong(Self.fit($0.element, width)) : Self.fit($0.element, width)
      }
    }
    if let rows, lines.count > rows, rows > 1 {
      let hidden = lines.count - rows + 1
      lines = Array(lines.prefix(rows - 1)) + [paint.faint(Self.fit("… \(hidden) more lines", width))]
    }
    self.lines = lines
  }

  private static func header(_ report: DaemonReport, width: Int, _ paint: Paint) -> String {
    let up = DurationText.short(seconds: report.uptimeSeconds.rounded(.down))
    let size = Double(report.history.bytes) / 1_048_576
    return paint.strong(
      fit(
        "medullad \(report.version)  up \(up)  as \(report.user)  history \(NumberText.short(size)) MiB  "
          + HistoryAnswer.time(report.time), width))
  }

  private static let titles =
    left("FUNCTION", 16) + left("ADAPTER", 11) + left("PHASE", 12) + right("ACTIVE", 7) + right("FLOWS", 7)
    + right("SAMPLES/S", 11) + right("DROPPED", 9) + right("UP", 4)

  private static func block(
    _ function: FunctionReport, trends: Trends, width: Int, _ paint: Paint
  ) -> [String] {
    let state = function.state
    let phase =
      !state.isRunning
      ? "stopped" : state.isPaused ? "paused" : state.pinnedVersion != nil ? "pinned" : state.phase.rawValue
    let flows = function.kernel.map { $0.slots.reduce(0) { $0 + $1.flows } }
    let row =
      left(state.name, 16) + left(state.adapter, 11) + left(phase, 12)
      + right(state.activeVersion.map { "v\($0)" } ?? "-", 7) + right(flows.map(String.init) ?? "-", 7)
      + right(NumberText.short(state.samplesPerSecond.rounded()), 11) + right("\(state.dropped)", 9)
      + right("\(state.promotions)", 4)
    var lines = [fit(row, width)]
    if let error = function.kernelError {
      lines.append(paint.bad(fit("  kernel: " + firstLine(error), width)))
    }
    lines.append(paint.faint(fit(learning(state), width)))
    if !state.gates.isEmpty { lines.append(gates(state.gates, width: width, paint)) }
    let name = state.name
    let curves = [("samples", trends.rates[name]), ("reward", trends.rewards[name])].compactMap {
      title, values in
      values.flatMap { $0.count > 1 ? "\(title) \(curve($0, width: width / 2 - 12))" : nil }
    }
    if !curves.isEmpty { lines.append(fit("  " + curves.joined(separator: "  "), width)) }
    if let failure = state.lastFailure {
      lines.append(paint.bad(fit("  \(state.failures) failures, last: " + firstLine(failure), width)))
    }
    return lines
  }

  private static func learning(_ state: RunnerState) -> String {
    var parts = ["\(state.rounds) rounds"]
    if let seconds = state.roundSeconds { parts.append("last \(DurationText.short(seconds: seconds))") }
    if let value = state.stability { parts.append("value \(NumberText.short(value))") }
    if let reward = state.reward { parts.append("reward \(NumberText.short(reward))") }
    if state.queued > 0 { parts.append("\(state.queued) queued") }
    if state.discarded > 0 { parts.append("\(state.discarded) not learned from") }
    if state.rollbacks > 0 { parts.append("\(state.rollbacks) rollbacks") }
    if let wait = state.waitSeconds, wait > 0 {
      parts.append("next update in \(DurationText.short(seconds: wait.rounded(.up)))")
    }
    return "  " + parts.joined(separator: ", ")
  }

  private static func gates(_ gates: [GateDecision], width: Int, _ paint: Paint) -> String {
    // Colours take no room: the plain text decides what fits.
    var room = width - 2
    var text = "  "
    for gate in gates {
      let value = gate.evidence.value.map(NumberText.short) ?? "-"
      let threshold = NumberText.short(gate.evidence.threshold)
      let plain = "\(gate.gate.rawValue) \(gate.isOpen ? "open" : "shut") \(value)/\(threshold)"
      guard plain.count + 2 <= room else { break }
      room -= plain.count + 2
      text += (gate.isOpen ? paint.good(plain) : paint.warn(plain)) + "  "
    }
    return text
  }

  /// A little curve between the values' own extremes.
  static func curve(_ values: [Double], width: Int) -> String {
    let shown = values.suffix(max(width, 8))
    guard let low = shown.min(), let high = shown.max(), low.isFinite, high.isFinite else { return "" }
    let steps = Array("▁▂▃▄▅▆▇█")
    return String(
      shown.map { value in
        let part = high > low ? (value - low) / (high - low) : 0
        return steps[min(max(Int(part * Double(steps.count)), 0), steps.count - 1)]
      })
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text.count >= width ? text.prefix(width - 1) + " " : text.padding(width)
  }

  private static func right(_ text: String, _ width: Int) -> String {
    text.count >= width ? " " + text : text.indenting(width)
  }

  private static func firstLine(_ text: String) -> String {
    String(text.prefix { $0 != "\n" })
  }

  /// Cut to the width, without control characters: what an adapter says must not steer the terminal.
  private static func fit(_ text: String, _ width: Int) -> String {
    let clean = String(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : Character($0) })
    return clean.count > width ? clean.prefix(width - 1) + "…" : clean
  }
}

/// Colours of a terminal, or none.
struct Paint {
  let isOn: Bool

  func strong(_ text: String) -> String { wrap(text, "1") }
  func faint(_ text: String) -> String { wrap(text, "2") }
  func good(_ text: String) -> String { wrap(text, "32") }
  func warn(_ text: String) -> String { wrap(text, "33") }
  func bad(_ text: String) -> String { wrap(text, "31") }

  private func wrap(_ text: String, _ code: String) -> String {
    isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
