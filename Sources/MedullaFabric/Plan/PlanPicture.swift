import MedullaBase

/// A plan as a drawing (SVG): switches that forward above, those that compute below with what is on them;
/// links as wide as they carry, by the plan or as they were counted.
package struct PlanPicture {
  private static let boxWidth = 132
  private static let boxHeight = 92
  private static let gap = 20
  private static let margin = 24
  private static let upperTop = 82
  /// Of a letter of 12 points, at most.
  private static let letterWidth = 7
  private static let widest = 9.0
  private static let font = "font-family=\"system-ui, sans-serif\""

  private let plan: FabricPlan
  private let counted: FabricStatus?
  private let upper: [FabricPlan.SwitchLoad]
  private let lower: [FabricPlan.SwitchLoad]

  /// - Parameter counted: of a running fabric; nil: what the plan says of one inference.
  package init(_ plan: FabricPlan, counted: FabricStatus? = nil) {
    (self.plan, self.counted) = (plan, counted)
    upper = plan.switches.filter { $0.processors == 0 }
    lower = plan.switches.filter { $0.processors > 0 }
  }

  private var columns: Int { max(upper.count, lower.count, 3) }
  private var width: Int { 2 * Self.margin + columns * (Self.boxWidth + Self.gap) - Self.gap }
  private var lowerTop: Int { upper.isEmpty ? Self.upperTop : Self.upperTop + Self.boxHeight + 150 }
  private var height: Int { lowerTop + Self.boxHeight + 70 }

  package var svg: String {
    ([
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
        + "viewBox=\"0 0 \(width) \(height)\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
      text(plan.networkName, x: Self.margin, y: 28, size: 15, weight: 600),
      text(shape, x: Self.margin, y: 47, size: 12),
      text(caption, x: Self.margin, y: 64, size: 12, fill: "#57606a"),
    ] + links + upper.indices.map { box(upper[$0], at: $0, of: upper.count, top: Self.upperTop) }
      + lower.indices.map { box(lower[$0], at: $0, of: lower.count, top: lowerTop) } + [client, "</svg>"])
      .joined(separator: "\n") + "\n"
  }

  /// As much of it as there is room for.
  private var shape: String {
    let room = (width - 2 * Self.margin) / Self.letterWidth
    return plan.shape.count <= room ? plan.shape : plan.shape.prefix(room - 1) + "…"
  }

  private var caption: String {
    if let counted {
      let most = counted.switches.flatMap(\.received).reduce(0) { $0 + $1.cells }
      return "fabric \(counted.fabric), \(most) cells counted by the switches' kernels where they came in"
    }
    let cells = plan.labels.reduce(0) { $0 + $1.cells }
    return
      "\(plan.stages.count) layers, \(NumberText.short(Double(plan.operations) / 1e6)) million "
      + "multiply-accumulates, \(cells) cells of \(plan.cells.bytes) bytes an inference"
  }

  private static func operations(_ count: Int) -> String {
    count < 100_000 ? "\(count) operations" : "\(NumberText.short(Double(count) / 1e6)) M operations"
  }

  private func left(_ place: Int, of count: Int) -> Int {
    let used = count * (Self.boxWidth + Self.gap) - Self.gap
    return (width - used) / 2 + place * (Self.boxWidth + Self.gap)
  }

  /// Where links end at a switch: the middle of its edge towards the other row.
  private func end(of name: String) -> (x: Int, y: Int)? {
    if let place = upper.firstIndex(where: { $0.name == name }) {
      return (left(place, of: upper.count) + Self.boxWidth / 2, Self.upperTop + Self.boxHeight)
    }
    return lower.firstIndex { $0.name == name }.map {
      (left($0, of: lower.count) + Self.boxWidth / 2, lowerTop)
    }
  }

  private var links: [String] {
    let most = plan.topology.links.map { cells($0.one, $0.other) }.max() ?? 0
    // Those that carry something are drawn above the others.
    return plan.topology.links.sorted { cells($0.one, $0.other) < cells($1.one, $1.other) }.flatMap { link in
      guard let from = end(of: link.one), let to = end(of: link.other) else { return [String]() }
      let count = cells(link.one, link.other)
      let share = most > 0 ? Double(count) / Double(most) : 0
      let stroke = count > 0 ? "#0969da" : "#d0d7de"
      let wide = count > 0 ? 1.5 + (Self.widest - 1.5) * share : 1
      let line =
        "<line x1=\"\(from.x)\" y1=\"\(from.y)\" x2=\"\(to.x)\" y2=\"\(to.y)\" stroke=\"\(stroke)\" "
        + "stroke-width=\"\(NumberText.short(wide))\" stroke-opacity=\"0.75\"/>"
      guard count > 0 else { return [line] }
      // Nearer to the lower end, where links of different spines are apart.
      let (x, y) = (from.x + (to.x - from.x) / 4, from.y + (to.y - from.y) / 4)
      return [
        line,
        label(count, x: x, y: y),
      ]
    }
  }

  private func label(_ count: Int, x: Int, y: Int) -> String {
    let digits = "\(count)"
    let width = max(30, 7 * digits.count + 10)
    return
      "<rect x=\"\(x - width / 2)\" y=\"\(y - 9)\" width=\"\(width)\" height=\"16\" rx=\"4\" fill=\"#ffffff\"/>\n"
      + text(digits, x: x, y: y + 4, size: 11, anchor: "middle")
  }

  private func cells(_ one: String, _ other: String) -> Int {
    if let counted { return Int(counted.cells(from: one, to: other) + counted.cells(from: other, to: one)) }
    return plan.links.filter { [$0.from, $0.to] == [one, other] || [$0.to, $0.from] == [one, other] }
      .reduce(0) { $0 + $1.cells }
  }

  private func box(_ load: FabricPlan.SwitchLoad, at place: Int, of count: Int, top: Int) -> String {
    let x = left(place, of: count)
    let isUsed = !load.stages.isEmpty
    let share = load.memoryLimit > 0 ? min(1, Double(load.memoryBytes) / Double(load.memoryLimit)) : 0
    var parts = [
      "<rect x=\"\(x)\" y=\"\(top)\" width=\"\(Self.boxWidth)\" height=\"\(Self.boxHeight)\" rx=\"8\" "
        + "fill=\"\(isUsed ? "#ddf4ff" : "#f6f8fa")\" stroke=\"\(isUsed ? "#0969da" : "#d0d7de")\"/>",
      text(load.name, x: x + 10, y: top + 20, size: 13, weight: 600),
      text(
        isUsed ? load.stages.joined(separator: " ") : load.processors > 0 ? "nothing" : "forwards",
        x: x + 10, y: top + 40, size: 12),
    ]
    if isUsed {
      parts += [
        text(
          Self.operations(load.operations), x: x + 10, y: top + 57, size: 11, fill: "#57606a"),
        "<rect x=\"\(x + 10)\" y=\"\(top + 66)\" width=\"\(Self.boxWidth - 20)\" "
          + "height=\"5\" fill=\"#ffffff\"/>",
        "<rect x=\"\(x + 10)\" y=\"\(top + 66)\" width=\"\(Int(Double(Self.boxWidth - 20) * share))\" "
          + "height=\"5\" fill=\"#0969da\"/>",
        text(
          "\(NumberText.bytes(load.memoryBytes)) of \(NumberText.bytes(load.memoryLimit))", x: x + 10,
          y: top + 84, size: 10, fill: "#57606a"),
      ]
    } else if case let cells = counted.map({ Int($0.received(by: load.name)) }) ?? load.cellsForwarded,
      cells > 0
    {
      parts.append(text("\(cells) cells", x: x + 10, y: top + 57, size: 11, fill: "#57606a"))
    }
    return parts.joined(separator: "\n")
  }

  private var client: String {
    guard let place = lower.firstIndex(where: { $0.name == plan.topology.client }) else { return "" }
    let x = left(place, of: lower.count) + Self.boxWidth / 2
    let top = lowerTop + Self.boxHeight
    return
      "<line x1=\"\(x)\" y1=\"\(top)\" x2=\"\(x)\" y2=\"\(top + 26)\" stroke=\"#57606a\"/>\n"
      + text(clientWords, x: x, y: top + 42, size: 12, anchor: "middle")
  }

  private var clientWords: String {
    guard let counted else { return "client" }
    return "client: \(counted.cells(from: FabricStatus.clients, to: plan.topology.client)) cells sent"
  }

  private func text(
    _ words: String, x: Int, y: Int, size: Int, weight: Int = 400, fill: String = "#1f2328",
    anchor: String = "start"
  ) -> String {
    let safe = words.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    return
      "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\" font-weight=\"\(weight)\" fill=\"\(fill)\" "
      + "text-anchor=\"\(anchor)\" \(Self.font)>\(safe)</text>"
  }
}
