/// What the P4 program of a plan depends on: sizes. Weights, biases and ways are entries of its tables.
struct P4Form: Sendable, Equatable {
  /// Multiplications in a pass.
  let terms: Int
  /// Of an activation: 1 or 2.
  let elementBytes: Int
  /// Of a cell's payload, those that are parsed.
  let regionBytes: Int
  /// Of the largest multiplier.
  let multiplierBits: Int
  /// Whether some cell has more elements than a pass takes.
  let turns: Bool
  let state: ShiftAddState

  init(_ schedules: [ShiftAddSchedule], terms: Int, clients: Int, inferences: Int) {
    self.terms = terms
    elementBytes = schedules.map(\.elementBytes).max() ?? 1
    regionBytes = ShiftAddState.regionBytes(schedules, terms: terms)
    let largest = schedules.flatMap { $0.neurons.map(\.multiplier) }.max() ?? 1
    multiplierBits = max(UInt64.bitWidth - largest.leadingZeroBitCount, 1)
    turns = schedules.contains { $0.cells.contains { $0.elements > terms } }
    state = ShiftAddState(schedules, clients: clients, inferences: inferences)
  }

  var regionBits: Int { 8 * regionBytes }
}
