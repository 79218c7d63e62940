import Testing

/// `medulla_packet.bpf.h`, in every order in which three processors can meet.
@Suite("the table of flows, step by step")
struct FlowTableModelTests {
  typealias Model = FlowTableModel

  /// Who meets, at a table whose first place holds the first key's flow, idle or not.
  private static let meetings: [[Model.Work]] = [
    [.end(.first), .end(.first), .begin(.first)],
    [.end(.first), .end(.first), .begin(.second)],
    [.end(.first), .begin(.second), .end(.second)],
    [.sweep(0), .end(.first), .begin(.second)],
    [.sweep(0), .end(.first), .begin(.first)],
    [.sweep(0), .sweep(0), .begin(.first)],
    [.sweep(0), .sweep(0), .begin(.second)],
    [.end(.first), .begin(.second), .begin(.first), .end(.first)],
    [.sweep(0), .end(.first), .begin(.second), .begin(.first)],
    [.sweep(0), .sweep(0), .end(.first), .begin(.second)],
  ]

  private func start(_ work: [Model.Work], _ order: Model.Order, isIdle: Bool) -> Model {
    let flow = Model.Element(key: .first, isLinked: true, number: 1, hasPin: true, isIdle: isIdle)
    return Model(
      elements: [flow, Model.Element()], held: 1, actors: work.map { Model.Actor(work: $0) }, order: order)
  }

  /// Every state that can be reached; the faults of those in which all are done.
  private func explore(_ start: Model) -> (states: Int, faults: Set<String>) {
    var seen: Set<Model> = [start]
    var open = [start]
    var faults: Set<String> = []
    while let state = open.popLast() {
      if state.isQuiet, let fault = state.fault { faults.insert(fault) }
      for next in state.successors() where seen.insert(next).inserted { open.append(next) }
    }
    return (seen.count, faults)
  }

  @Test("whoever ends, begins or sweeps, each flow in the table is counted once, and no other goes")
  func byWord() {
    var states = 0
    for work in Self.meetings {
      for isIdle in [false, true] {
        let result = explore(start(work, .byWord, isIdle: isIdle))
        #expect(result.faults.isEmpty, "\(work), idle \(isIdle)")
        states += result.states
      }
    }
    #expect(states > 5_000)
  }

  @Test("the order of before, an exchange of the pin alone, loses counts and ends flows that live")
  func byPinAlone() {
    let faults = Self.meetings.reduce(into: Set<String>()) { all, work in
      for isIdle in [false, true] { all.formUnion(explore(start(work, .byPinAlone, isIdle: isIdle)).faults) }
    }
    #expect(faults.contains { $0.contains("counted") }, "\(faults)")
    #expect(faults.contains { $0.contains("neither idle nor over") }, "\(faults)")
  }
}
