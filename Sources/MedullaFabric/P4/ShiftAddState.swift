/// Where a switch keeps what it knows of inferences on their way: registers that are found by sums of shifted
/// numbers.
///
/// Each client has as many slots as the plan has inferences (rounded up to a power of two); an inference has
/// the slot of its number, modulo these. For each slot and part of a layer there is an *owner*, and a bitmap
/// of the cells that have arrived; for each slot and neuron a sum, a counter and the owner they are of. An
/// owner is 1, then epoch, inference and attempt: 8, 16, 32 and 8 bits. What is newer of one client takes the
/// slot, what is older is dropped, and a neuron whose owner is another starts from nothing, so that nothing
/// needs to be cleared.
package struct ShiftAddState: Sendable, Equatable {
  package static let clientRange = 1...1_024

  /// A part's place in the registers of its switch.
  package struct Place: Sendable, Equatable {
    /// Among its switch's parts.
    package let part: Int
    /// Of its first neuron among its switch's neurons.
    package let firstNeuron: Int
  }

  package let clients: Int
  package let slotBits: Int
  /// Of a part's number, and of a neuron's.
  package let partBits: Int
  package let neuronBits: Int
  /// As the schedules.
  package let places: [Place]

  /// - Parameters:
  ///   - schedules: of all switches; one layout serves all.
  ///   - inferences: of a client at once.
  package init(_ schedules: [ShiftAddSchedule], clients: Int, inferences: Int) {
    self.clients = clients
    slotBits = Self.bits(inferences)
    var used: [String: (parts: Int, neurons: Int)] = [:]
    places = schedules.map { schedule in
      let (part, first) = used[schedule.node] ?? (0, 0)
      used[schedule.node] = (part + 1, first + schedule.neurons.count)
      return Place(part: part, firstNeuron: first)
    }
    partBits = Self.bits(used.values.map(\.parts).max() ?? 1)
    neuronBits = Self.bits(used.values.map(\.neurons).max() ?? 1)
  }

  package var slots: Int { clients << slotBits }
  /// Owners, and bitmaps.
  package var owners: Int { slots << partBits }
  /// Sums, counters, and the owners they are of.
  package var neurons: Int { slots << neuronBits }

  /// Bits that tell so many things apart.
  private static func bits(_ count: Int) -> Int {
    count > 1 ? Int.bitWidth - (count - 1).leadingZeroBitCount : 0
  }

  /// Bytes of the front of cells that are parsed: whole groups of elements, of which a cell's first moves to
  /// its end.
  package static func regionBytes(_ schedules: [ShiftAddSchedule], terms: Int) -> Int {
    let inputs = schedules.flatMap { schedule in
      schedule.cells.map { ($0.elements + terms - 1) / terms * terms * schedule.elementBytes }
    }
    // More than one output, so that something is behind each.
    return max(inputs.max() ?? 0, schedules.map(\.output.bytes).max() ?? 0, 16)
  }
}
