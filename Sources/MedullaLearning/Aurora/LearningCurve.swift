import Foundation

/// The course of a training run as a picture: reward, use of the path, queue and, where one is learned, the
/// verdict, over decisions.
package struct LearningCurve: Sendable {
  private struct Panel {
    let title: String
    let values: [Double]
    let colour: String
  }

  private let steps: [Int]
  private let panels: [Panel]
  private let caption: String

  package init(_ history: [AuroraTraining.Progress], name: String, seed: UInt64) {
    steps = history.map(\.steps)
    caption = "\(name), seed \(seed), \(history.last?.steps ?? 0) decisions"
    var panels = [
      Panel(title: "reward", values: history.map(\.reward), colour: "#1b6ca8"),
      Panel(title: "use of the path", values: history.map(\.use), colour: "#2a8c4a"),
      Panel(title: "queue (round trips)", values: history.map(\.queue), colour: "#b3541e"),
    ]
    if history.contains(where: { $0.verdicts > 0 }) {
      panels += [
        Panel(title: "right verdicts", values: history.map(\.verdicts), colour: "#7a3b9b"),
        Panel(
          title: "verdicts' cross entropy (nats)", values: history.map { Double($0.verdictLoss) },
          colour: "#555"),
      ]
    }
    self.panels = panels
  }

  /// A self-contained SVG 1.1 document; thin lines are iterations, thick ones a running mean of 15.
  package var svg: String {
    let (width, height, left, top) = (720.0, 190.0, 64.0, 44.0)
    let whole = Int(top + height * Double(panels.count) + 20)
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 \(whole)" \
      font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      <text x="\(Int(left))" y="24" font-size="15">\(caption)</text>

      """
    for (index, panel) in panels.enumerated() {
      text += draw(panel, x: left, y: top + Double(index) * height, width: width - left, height: height - 46)
    }
    return text + "</svg>\n"
  }

  private func draw(_ panel: Panel, x: Double, y: Double, width: Double, height: Double) -> String {
    let low = panel.values.min() ?? 0
    let high = max(panel.values.max() ?? 1, low + 1e-9)
    let last = Double(max(steps.last ?? 1, 1))
    func line(_ values: [Double], _ thickness: Double, _ opacity: Double) -> String {
      let points = zip(steps, values).map { step, value in
        let px = x + Double(step) / last * width
        let py = y + height * (1 - (value - low) / (high - low))
        return String(format: "%.1f,%.1f", px, py)
      }
      return "<polyline fill=\"none\" stroke=\"\(panel.colour)\" stroke-width=\"\(thickness)\" "
        + "stroke-opacity=\"\(opacity)\" points=\"\(points.joined(separator: " "))\"/>\n"
    }
    var text = String(
      format: "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill=\"none\" stroke=\"#bbb\"/>\n",
      x, y, width, height)
    text += "<text x=\"\(Int(x) + 6)\" y=\"\(Int(y) + 16)\">\(panel.title)</text>\n"
    text += String(
      format: "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%.3g</text>\n", x - 6, y + 10, high)
    text += String(
      format: "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%.3g</text>\n", x - 6, y + height, low)
    text += String(
      format: "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%d decisions</text>\n", x + width,
      y + height + 16, steps.last ?? 0)
    return text + line(panel.values, 1, 0.35) + line(smoothed(panel.values), 2, 1)
  }

  private func smoothed(_ values: [Double]) -> [Double] {
    values.indices.map { index in
      let window = values[max(0, index - 14)...index]
      return window.reduce(0, +) / Double(window.count)
    }
  }
}
