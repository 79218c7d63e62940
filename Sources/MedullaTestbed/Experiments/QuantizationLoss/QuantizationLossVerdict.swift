extension QuantizationLossExperiment {
  /// What `medulla compile` takes unless it is told otherwise.
  static let usualScheme = "w8a16"
  /// Bits of the scale nearest to the paper's 1000.
  static let paperBits = 10
  /// The paper's mean over its networks.
  static let paperLoss = 0.02

  public static func judge(
    _ runs: [QuantizationLossRun], _ plan: QuantizationLossPlan
  ) -> (rows: [VerdictRow], faults: [String]) {
    func mean(_ scheme: String, _ bits: Int, network: String? = nil) -> Double? {
      let own = runs.filter {
        $0.scheme == scheme && $0.outputBits == bits && (network == nil || $0.network == network)
      }
      // Each network counts once, however many seeds it has.
      let means = Dictionary(grouping: own, by: \.network).values.map { Statistics.mean($0.map(\.meanLoss)) }
      return means.isEmpty ? nil : Statistics.mean(means)
    }
    let names = runs.map(\.network).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    var rows = [
      VerdictRow("mean loss without output scale (C = 1)", mean(usualScheme, 0), places: 4),
      VerdictRow(
        "mean loss at C = 1024", mean(usualScheme, paperBits), .atMost(paperLoss), places: 5),
    ]
    rows += names.map { name in
      VerdictRow(
        "\(name): loss at C = 1024", mean(usualScheme, paperBits, network: name), .atMost(paperLoss),
        places: 5)
    }
    rows += ["w8a8", "w16a16"].map {
      VerdictRow("mean loss at C = 1024, \($0)", mean($0, paperBits), places: 5)
    }
    return (rows, [])
  }

  public static func plots(_ runs: [QuantizationLossRun], _ plan: QuantizationLossPlan) -> PlotSheet {
    let names = runs.map(\.network).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    func points(_ own: [QuantizationLossRun]) -> [Plot.Point] {
      Dictionary(grouping: own, by: \.outputBits).sorted { $0.key < $1.key }.map { bits, runs in
        Plot.Point(
          Double(sign: .plus, exponent: bits, significand: 1),
          max(Statistics.mean(runs.map(\.meanLoss)) * 100, 1e-4))
      }
    }
    let x = PlotAxis("output scale C (integer steps of one unit)", scale: .logarithmic)
    let y = PlotAxis("mean loss (% of range)", scale: .logarithmic)
    let rules = [
      Plot.Rule(.y, at: paperLoss * 100, "the paper's 2%"), Plot.Rule(.x, at: 1000, "C = 1000"),
    ]
    return PlotSheet([
      Plot(
        "Weights of 8 bits, activations of 16 (the usual scheme), by network", x: x, y: y,
        series: names.enumerated().map { index, name in
          Plot.Series(
            name, color: index, points: points(runs.filter { $0.network == name && $0.scheme == usualScheme })
          )
        }, rules: rules),
      Plot(
        "All networks, by scheme", x: x, y: y,
        series: plan.schemes.enumerated().map { index, scheme in
          Plot.Series(scheme, color: index, points: points(runs.filter { $0.scheme == scheme }))
        }, rules: rules),
    ])
  }
}
