import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("Dense layers as passes of shifts and adds")
struct ShiftAddScheduleTests {
  static let seed = SWXTests.seed

  /// A layer's registers, of one inference.
  private struct Registers {
    let schedule: ShiftAddSchedule
    var sums: [Int64]
    var counts: [Int]

    init(_ schedule: ShiftAddSchedule) {
      self.schedule = schedule
      sums = [Int64](repeating: 0, count: schedule.neurons.count)
      counts = [Int](repeating: 0, count: schedule.neurons.count)
    }

    /// - Returns: Whether the neuron is whole.
    mutating func make(_ pass: ShiftAddSchedule.SumPass, of elements: [Int64]) -> Bool {
      for term in pass.terms {
        for shift in term.shifts {
          let part = elements[term.element] << Int64(shift)
          sums[pass.neuron] += term.isNegative ? -part : part
        }
      }
      counts[pass.neuron] += pass.terms.count
      return counts[pass.neuron] == schedule.inputs
    }

    func value(_ neuron: Int) -> Int64 {
      let (sum, own) = (sums[neuron] + schedule.neurons[neuron].bias, schedule.neurons[neuron])
      let product = own.multiplier.setBits.reduce(Int64(0)) { $0 + sum << Int64($1) }
      return min(max(product >> Int64(own.shift), own.range.lowerBound), own.range.upperBound)
    }
  }

  @Test(
    "passes of cells in any order give each layer's values, and the last cell's last pass finds all whole",
    arguments: [1, 3, 8, 64])
  func passes(terms: Int) throws {
    var random = SeededGenerator(seed: Self.seed)
    let small = try ShiftAddCase(
      [40, 24, 12, 5], scheme: .w8a16, on: .spineLeaf(leaves: 3, spines: 1, processors: 1),
      pins: ["dense1": ["leaf1", "leaf2"], "dense2": ["leaf2", "leaf3"], "dense3": ["leaf1"]],
      cells: CellFormat(payloadBytes: 64), seed: Self.seed)
    let schedules = try ShiftAddSchedule.all(of: small.plan, small.snapshot, terms: terms)
    #expect(schedules.map(\.cells.count) == [2, 2, 2, 2, 2])
    for inference in small.inferences {
      var values = inference.activations
      for stage in small.plan.stages.indices {
        let own = schedules.filter { $0.label == stage }
        values = own.flatMap { schedule -> [Int64] in
          var registers = Registers(schedule)
          var whole: [Bool] = []
          // Cells take turns by chance, each in the order of its passes.
          var open = schedule.cells.indices.map { (chunk: $0, pass: 0) }
          let firsts = schedule.cells.indices.map { schedule.cells[..<$0].reduce(0) { $0 + $1.elements } }
          while !open.isEmpty {
            let turn = Int.random(in: open.indices, using: &random)
            let cell = schedule.cells[open[turn].chunk]
            let elements = Array(values[firsts[open[turn].chunk]...].prefix(cell.elements))
            whole.append(registers.make(cell.passes[open[turn].pass], of: elements))
            open[turn].pass += 1
            if open[turn].pass == cell.passes.count { open.remove(at: turn) }
          }
          #expect(registers.counts.allSatisfy { $0 == schedule.inputs })
          #expect(whole.last == true && whole.filter { $0 }.count == schedule.neurons.count)
          return schedule.neurons.indices.map { registers.value($0) }
        }
      }
      #expect(values == inference.outputs, "seed \(Self.seed)")
    }
  }

  @Test("shifts are the set bits of a weight's magnitude")
  func shifts() {
    for weight in Int32(-255)...255 {
      let term = ShiftAddSchedule.Term(element: 0, weight: weight)
      let magnitude = term.shifts.reduce(0) { $0 + 1 << $1 }
      #expect((term.isNegative ? -magnitude : magnitude) == Int(weight))
      #expect(term.shifts.allSatisfy { $0 < ShiftAddSchedule.weightBits })
    }
  }

  private static func layers(_ widths: [Int], _ activation: Activation) throws -> ShiftAddCase {
    try ShiftAddCase(widths, hidden: activation, inferences: 0, seed: 1)
  }

  @Test("what is not made of shifts and adds is refused by name")
  func refused() throws {
    let wide = try ShiftAddCase([4, 3, 2], scheme: .w16a16, inferences: 0, seed: 1)
    let long = try ShiftAddCase([600, 3, 2], inferences: 0, cells: CellFormat(payloadBytes: 1_200), seed: 1)
    let many = try ShiftAddCase([600, 3, 2], inferences: 0, cells: CellFormat(payloadBytes: 8), seed: 1)
    let split = try ShiftAddCase([4, 40, 2], inferences: 0, cells: CellFormat(payloadBytes: 32), seed: 1)
    for (small, code, words) in [
      (
        try Self.layers([4, 3, 2], .leakyRelu(slope: 0.1)), FabricErrorCode.badNetwork, "dense1: a leaky ReLU"
      ),
      (try Self.layers([4, 3, 2], .tanh), .badNetwork, "dense1: a function by table"),
      (wide, .badNetwork, "weights of 16 bits"), (long, .doesNotFit, "600 bytes in a cell"),
      (many, .doesNotFit, "75 cells of inputs"), (split, .doesNotFit, "dense1 sends 2 cells"),
    ] {
      let error = #expect(throws: FabricError.self) {
        try ShiftAddSchedule.all(of: small.plan, small.snapshot)
      }
      #expect(error?.code == code && error?.message.contains(words) == true, "\(String(describing: error))")
      #expect(error?.remedy.isEmpty == false)
    }
  }
}
