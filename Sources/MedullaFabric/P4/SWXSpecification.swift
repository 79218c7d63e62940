import CMedullaFabric

/// A network on one switch as a specification of DPDK's software switch (SWX, `rte_swx_pipeline`).
///
/// It does by the same passes what the P4 program does, but has no table: a switch of this kind is made for
/// its network, so that weights, biases and clamps are constants of its instructions, and only bits that are
/// set become shifts. It has one port; answers go out where inputs came in. A cell's pass lies in its
/// header's field for that, which is 0 on links.
///
/// SWX knows unsigned integers of up to 64 bits and no multiplication. Negative numbers are their two's
/// complement: they are shifted to the right by ones' complement before and after, and compared with the sign
/// bit turned over.
package struct SWXSpecification: Sendable, Equatable {
  /// An offset in a header has 8 bits.
  package static let regionLimit = 248
  /// Each is some instructions of its own, and is looked for from the first on.
  package static let passLimit = 4_096
  /// In a cell's header: the pass is one of the tail's.
  static let tailBit = 0x8000

  package let schedules: [ShiftAddSchedule]
  package let text: String

  /// - Parameters:
  ///   - inferences: of a client at once.
  ///   - model: that cells must be of, with `epoch`.
  /// - Throws: `doesNotFit` where the network is not on one switch, or too large for one.
  package init(
    _ schedules: [ShiftAddSchedule], clients: Int, inferences: Int, model: Int = 0, epoch: Int = 0
  ) throws(FabricError) {
    self.schedules = schedules
    let nodes = Set(schedules.map(\.node)).sorted()
    guard nodes.count == 1 else {
      throw FabricError(
        .doesNotFit,
        "the network is on \(nodes.joined(separator: ", ")), and a software switch has all of it",
        remedy: "pin all layers to one switch")
    }
    let region = ShiftAddState.regionBytes(schedules, terms: 1)
    let passes = schedules.reduce(0) { $0 + $1.passCount }
    for (value, limit, what) in [
      (region, Self.regionLimit, "bytes in a cell"), (passes, Self.passLimit, "passes"),
    ] where value > limit {
      throw FabricError(
        .doesNotFit, "the network has \(value) \(what), and a software switch takes \(limit)",
        remedy: "use a smaller network, or the P4 program")
    }
    let state = ShiftAddState(schedules, clients: clients, inferences: inferences)
    var text = SWXText()
    text.declarations(state, region: region)
    text.block("apply") { text in
      text.admission(state, model: model, epoch: epoch, labels: schedules.map(\.label))
      for (schedule, place) in zip(schedules, state.places) {
        let code = SWXLayerCode(schedule: schedule, state: state, place: place, region: region)
        code.write(to: &text)
      }
      text.exits()
    }
    self.text = text.text
  }
}
