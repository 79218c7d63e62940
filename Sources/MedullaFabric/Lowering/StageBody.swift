import CMedullaFabric
import MedullaSnapshot

/// A stage's steps by what the engine does with them: what only moves inputs, the sum, functions, a pool,
/// functions, and at the end of the network softmax or argmax.
struct StageBody {
  let name: String
  let before: [Step]
  let sum: Step
  let parameters: LinearParameters
  /// What the inputs of the sum can be.
  let inputs: ClosedRange<Int64>
  private(set) var pool: PoolStep?
  private var finishes: [(epilogue: Epilogue, map: MapParameters?)] = []
  private var finishesBeforePool = 0
  private var tail: Step?
  private var tailMultiplier: Int64 = 0
  private let snapshot: Snapshot

  /// - Parameter range: what the stage's inputs can be.
  init(_ stage: Stage, _ snapshot: Snapshot, inputs range: ClosedRange<Int64>) throws(FabricError) {
    let steps = snapshot.shape.steps
    guard let place = stage.steps.first(where: { steps[$0].block != nil }),
      case .linear(let linear) = snapshot.parameters.steps[place], let epilogue = steps[place].epilogue
    else { throw FabricError(.badNetwork, "\(stage.name) has nothing that sums") }
    name = stage.name
    before = Array(steps[stage.firstStep..<place])
    sum = steps[place]
    parameters = linear
    self.snapshot = snapshot
    // Padding is 0.
    inputs = min(range.lowerBound, 0)...max(range.upperBound, 0)
    finishes = [(epilogue, nil)]
    for index in (place + 1)..<(stage.lastStep + 1) { try take(steps[index], at: index) }
    if pool == nil { finishesBeforePool = finishes.count }
    guard finishes.count <= FABRIC_FINISHES else {
      throw FabricError(
        .badNetwork,
        "\(name) has \(finishes.count) functions one after the other, and at most "
          + "\(FABRIC_FINISHES) are computed", remedy: "merge some of them")
    }
  }

  private mutating func take(_ step: Step, at index: Int) throws(FabricError) {
    switch (step, snapshot.parameters.steps[index]) {
    case (.map(let map), .map(let data)) where tail == nil: finishes.append((map.epilogue, data))
    case (.pool(let step), _) where pool == nil && tail == nil && isConvolution:
      pool = step
      finishesBeforePool = finishes.count
    case (.softmax, .softmax(let multiplier)) where tail == nil && !isConvolution:
      (tail, tailMultiplier) = (step, multiplier)
    case (.argmax, _) where tail == nil && !isConvolution: tail = step
    default:
      throw FabricError(
        .badNetwork, "\(name): no switch computes step \(index) (\(step.kind)) there",
        remedy: "`medulla inspect` shows the steps; docs/use/fabric.md says which ones can follow a layer")
    }
  }

  private var isConvolution: Bool { if case .convolution = sum { true } else { false } }

  /// Whether a larger sum never gives a smaller value.
  private var keepsOrder: Bool {
    switch finishes[0].epilogue.function {
    case .identity, .clamp, .clip: true
    case .leaky(let slope, _, _): slope >= 0
    case .table: false
    }
  }

  func addFinishes(to lowered: inout LoweredTask) throws(FabricError) {
    var written: [fabric_finish] = []
    for (number, (epilogue, map)) in finishes.enumerated() {
      var finish = fabric_finish()
      finish.shift = UInt64(epilogue.shift)
      finish.bias = map?.bias ?? 0
      finish.multiplier = map?.multiplier ?? 0
      let clip = map == nil ? parameters.clip : map?.clip
      switch epilogue.function {
      case .identity: finish.function = UInt64(FABRIC_IDENTITY.rawValue)
      case .clamp(let low, let high): finish.clamp(low...high)
      case .clip: if let clip { finish.clamp(clip) }
      case .leaky(let slope, let shift, let limit):
        finish.clamp(-limit...limit)
        finish.function = UInt64(FABRIC_LEAKY.rawValue)
        (finish.slope, finish.slope_shift) = (slope, UInt64(shift))
      case .table(let index):
        finish.function = UInt64(FABRIC_TABLE.rawValue)
        finish.table = fabric_table(snapshot.shape.tables[index])
        lowered.tableOfFinish[number] = lowered.tables.count
        lowered.tables.append(lines(of: index))
      }
      written.append(finish)
    }
    lowered.task.finishes = UInt64(written.count)
    lowered.task.finishes_first = UInt64(finishesBeforePool)
    withUnsafeMutableBytes(of: &lowered.task.finish) { to in
      written.withUnsafeBytes { to.copyMemory(from: $0) }
    }
    addPool(to: &lowered)
    addTail(to: &lowered)
  }

  private func addPool(to lowered: inout LoweredTask) {
    guard let pool else { return }
    lowered.task.pool_size = UInt64(pool.kernel.height * pool.kernel.width)
    let kind =
      switch pool.kind {
      case .maximum: finishesBeforePool == 1 && keepsOrder ? FABRIC_MAXIMUM_OF_SUMS : FABRIC_MAXIMUM
      case .average: FABRIC_AVERAGE
      case .averageCountingPadding: FABRIC_AVERAGE_OF_ALL
      }
    lowered.task.pool = UInt64(kind.rawValue)
  }

  private func addTail(to lowered: inout LoweredTask) {
    lowered.valueBytes = tail == nil ? 0 : Int(lowered.task.channels) * 8
    switch tail {
    case .softmax(let step):
      lowered.task.tail = UInt64(FABRIC_SOFTMAX.rawValue)
      lowered.task.tail_length = UInt64(step.length)
      lowered.task.tail_shift = UInt64(step.shift)
      lowered.task.tail_multiplier = tailMultiplier
      lowered.task.tail_unit = step.unit
      lowered.task.tail_table = fabric_table(snapshot.shape.tables[step.table])
      lowered.tableOfTail = lowered.tables.count
      lowered.tables.append(lines(of: step.table))
    case .argmax(let step):
      lowered.task.tail = UInt64(FABRIC_ARGMAX.rawValue)
      lowered.task.tail_unit = step.unit
    default: break
    }
  }

  private func lines(of table: Int) -> [Int32] {
    snapshot.parameters.tables[table].flatMap { [$0.intercept, $0.slope] }
  }
}

extension fabric_finish {
  fileprivate mutating func clamp(_ range: ClosedRange<Int64>) {
    function = UInt64(FABRIC_CLAMP.rawValue)
    (low, high) = (range.lowerBound, range.upperBound)
  }
}

extension fabric_table {
  fileprivate init(_ table: FunctionTable) {
    self.init()
    maximum = table.maximumCoordinate
    fraction_bits = UInt64(table.fractionBits)
    guard_bits = UInt64(table.guardBits)
  }
}
