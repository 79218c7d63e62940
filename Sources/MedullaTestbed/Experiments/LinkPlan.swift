/// Which links the experiment visits, with which congestion controls, and for how long.
public struct LinkPlan: Codable, Equatable, Sendable {
  public var rates: [Double] = [12, 48, 100, 400]
  public var rtts: [Double] = [10, 40, 100]
  public var buffers: [Double] = [1, 4]
  public var parts: [LinkCell.Part] = LinkCell.Part.allCases
  /// Numbers of equal flows in the fairness part.
  public var flowCounts: [Int] = [2, 4]
  public var loss = 0.01
  /// The congestion control under test, and those that it is compared with.
  public var congestion = "medulla"
  public var baselines = ["cubic"]
  /// Seconds of one run, warm-up included; nil: 20, or 30 when the round trip is 100 ms or more or flows
  /// share.
  public var seconds: Int?
  /// Seconds at a run's start that do not count; nil: a quarter of the run.
  public var warmUp: Int?
  public var repeats = 1
  public var seed: UInt64 = 1

  public init() {}

  /// A few cells that take about two minutes: enough to see whether something is badly wrong.
  public static var quick: LinkPlan {
    var plan = LinkPlan()
    plan.rates = [12, 100]
    plan.rtts = [10, 40]
    plan.buffers = [1]
    plan.flowCounts = [2]
    plan.seconds = 8
    plan.warmUp = 3
    return plan
  }

  /// Round trip of the loss and fairness parts: 40 ms, or the one nearest to it that the plan has.
  private var middleRTT: Double { rtts.min { abs($0 - 40) < abs($1 - 40) } ?? 40 }

  public var cells: [LinkCell] {
    parts.flatMap { part -> [LinkCell] in
      switch part {
      case .steady:
        return rates.flatMap { rate in
          rtts.flatMap { rtt in
            buffers.map { cell(part, rate, rtt, $0) }
          }
        }
      case .loss: return rates.map { cell(part, $0, middleRTT, 1, loss: loss) }
      case .fairness:
        return rates.flatMap { rate in flowCounts.map { cell(part, rate, middleRTT, 1, flows: $0) } }
      }
    }
  }

  /// Every link of the full matrix is in the plan, with at least its default times: the run, the warm-up and
  /// what is left to measure.
  public var isComplete: Bool {
    let (full, planned) = (LinkPlan(), Set(cells))
    return full.cells.allSatisfy { cell in
      let (seconds, warmUp) = (seconds(for: cell), warmUp(for: cell))
      let (leastSeconds, leastWarmUp) = (full.seconds(for: cell), full.warmUp(for: cell))
      return planned.contains(cell) && seconds >= leastSeconds && warmUp >= leastWarmUp
        && seconds - warmUp >= leastSeconds - leastWarmUp
    }
  }

  /// The congestion controls that a part runs: the baselines matter where delays are compared.
  public func congestions(for part: LinkCell.Part) -> [String] {
    var seen: Set<String> = []
    return ([congestion] + baselines).filter { seen.insert($0).inserted }
  }

  public func seconds(for cell: LinkCell) -> Int {
    seconds ?? (cell.rttMilliseconds >= 100 || cell.flows > 1 ? 30 : 20)
  }

  public func warmUp(for cell: LinkCell) -> Int { warmUp ?? seconds(for: cell) / 4 }

  /// Throws `badParameter` for a plan that cannot be run.
  public func validate() throws {
    func refuse(_ message: String, _ remedy: String) -> TestbedError {
      TestbedError(.badParameter, message, remedy: remedy)
    }
    guard !cells.isEmpty else {
      throw refuse("The plan has no link.", "Give rates, round trips and buffers.")
    }
    guard (1...100).contains(repeats) else {
      throw refuse("\(repeats) repeats are out of range.", "Use 1 to 100.")
    }
    guard flowCounts.allSatisfy({ (1...128).contains($0) }) else {
      throw refuse("A number of flows is out of range.", "Use 1 to 128.")
    }
    for cell in cells {
      guard (2...3600).contains(seconds(for: cell)), (0..<seconds(for: cell)).contains(warmUp(for: cell))
      else {
        throw refuse("The warm-up leaves nothing to measure.", "Use 2 to 3600 seconds and a shorter warm-up.")
      }
      guard cell.rateMbps > 0, cell.rateMbps <= 100_000, cell.rttMilliseconds >= 0,
        cell.rttMilliseconds <= 20_000, cell.bufferBdp > 0, cell.bufferBdp <= 1000
      else { throw refuse("\(cell.label) is out of range.", "Use positive rates, round trips and buffers.") }
      try cell.link(seed: seed).validate()
    }
  }

  private func cell(
    _ part: LinkCell.Part, _ rate: Double, _ rtt: Double, _ buffer: Double, loss: Double = 0, flows: Int = 1
  ) -> LinkCell {
    LinkCell(
      part: part, rateMbps: rate, rttMilliseconds: rtt, bufferBdp: buffer, loss: loss, flows: flows)
  }
}
