extension ExperimentResult where Plan == LinkPlan, Run == LinkRun, Verdict == LinkVerdict {
  /// Share of capacity and mean queueing delay of every run, as dots over the links.
  public var plots: PlotSheet {
    let cells = runs.map(\.cell).reduce(into: [LinkCell]()) { cells, cell in
      if !cells.contains(cell) { cells.append(cell) }
    }
    let names = runs.map(\.congestion).reduce(into: [String]()) { names, name in
      if !names.contains(name) { names.append(name) }
    }
    let x = PlotAxis("link: Mbit/s · ms · buffer in BDP", categories: cells.map(\.tick))
    func series(_ value: (LinkRun) -> Double) -> [Plot.Series] {
      names.enumerated().map { index, name in
        let points = runs.filter { $0.congestion == name }.map { run in
          Plot.Point(Double(cells.firstIndex(of: run.cell) ?? 0) + offset(index, names.count), value(run))
        }
        return Plot.Series(name, color: index, mark: .dots, points: points)
      }
    }
    return PlotSheet(
      [
        Plot(
          "Share of the link's payload capacity", x: x, y: PlotAxis("share (%)", range: 0...105),
          series: series { $0.share * 100 },
          rules: [.init(.y, at: verdict.targets.steadyShare * 100, "")]),
        Plot(
          "Mean queueing delay", x: x, y: PlotAxis("delay (ms)", scale: .logarithmic),
          series: series { max($0.queueingDelayMeanMs, 0.01) }),
      ], width: max(860, 120 + Double(cells.count) * 30))
  }

  /// Dots of one link stand beside each other.
  private func offset(_ index: Int, _ count: Int) -> Double {
    (Double(index) - Double(count - 1) / 2) * 0.22
  }
}

extension LinkCell {
  /// A short name for an axis.
  var tick: String {
    var text = "\(short(rateMbps)) · \(short(rttMilliseconds)) · \(short(bufferBdp))"
    if loss > 0 { text += " · \(short(loss * 100))% loss" }
    if flows > 1 { text += " · \(flows) flows" }
    return text
  }
}
