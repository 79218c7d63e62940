import CMedullaFabric
import Glibc
import MedullaBase
import MedullaKernel
import MedullaSnapshot

/// An inference's answer.
package struct FabricResult: Sendable, Equatable {
  /// Fixed point, as the snapshot's outputs.
  package let outputs: [Int64]
  package let time: Duration
  package let attempts: Int
}

/// Sends inputs into a fabric and takes the answers out.
package final class FabricClient {
  private let names: FabricNames
  private let modelName: String?
  private let seat: ClientSeat
  private let room: InstalledTask.Room
  private var model: FabricState.Model
  package private(set) var lowering: StageLowering
  private let socket: CellSocket
  private var frames: InputFrames
  private let answerCells: [WireTensor.Cell]
  private let clock = ContinuousClock()
  private let origin = ContinuousClock().now
  package private(set) var counts = Counts()

  /// What a client saw.
  package struct Counts: Sendable, Equatable {
    package var asked = 0
    package var sentAgain = 0
    package var refused = 0
    package var foreign = 0
  }

  /// - Parameter model: a name; nil: the only one that there is.
  package init(_ names: FabricNames, model name: String? = nil) throws(FabricError) {
    self.names = names
    modelName = name
    let state = try FabricState.read(names)
    guard let model = state.model(name) else {
      throw FabricError(
        .badInput, name.map { "the fabric \(names.fabric) has no network \($0)" } ?? "say which network",
        remedy: "it has " + state.models.map(\.name).joined(separator: ", "))
    }
    self.model = model
    room = state.room
    let folder = try PlanFolder.read(model.plan)
    lowering = try StageLowering(folder.plan, folder.file.snapshot)
    seat = try ClientSeat(names, clients: state.room.clients)
    socket = try CellSocket(names, client: seat.number, format: folder.plan.cells)
    frames = InputFrames(
      lowering, Self.header(model, client: seat.number, FABRIC_DATA, label: 0))
    answerCells = lowering.tensors[lowering.tensors.count - 1].cells
  }

  package var largestWindow: Int { room.slots }

  private var now: Duration { clock.now - origin }

  private struct Open {
    let input: Int
    var cells: [[UInt8]?]
    var missing: Int
  }

  /// Answers in the order of the inputs, which are features in fixed point.
  ///
  /// - Parameter window: inferences on their way at once, at most `largestWindow`.
  /// - Throws: `badInput` for a wrong number of features, `noAnswer` when one does not come.
  package func infer(_ inputs: [[Int64]], window: Int = 1) throws(FabricError) -> [FabricResult] {
    let wanted = lowering.snapshot.shape.inputs
    for (number, input) in inputs.enumerated() where input.count != wanted {
      throw FabricError(
        .badInput, "input \(number) has \(input.count) features, and the network takes \(wanted)")
    }
    var flights = ClientWindow(
      .init(window: window, slots: room.slots), first: try seat.take(inputs.count))
    var open: [UInt32: Open] = [:]
    var results = [FabricResult?](repeating: nil, count: inputs.count)
    var started = 0
    var done = 0
    while done < inputs.count {
      while started < inputs.count, flights.hasRoom {
        guard case .send(let inference, let attempt) = flights.start(at: now) else { break }
        open[inference] = Open(
          input: started, cells: [[UInt8]?](repeating: nil, count: answerCells.count),
          missing: answerCells.count)
        try send(inputs[started], inference, attempt)
        started += 1
      }
      var finished: [UInt32] = []
      var wantedCells: [(UInt32, [UInt8])] = []
      var isRefused = false
      let received = try socket.receive { frame in
        var cell = fabric_cell()
        guard let base = frame.baseAddress, fabric_parse(base, UInt32(frame.count), &cell) == 0,
          cell.model == UInt16(self.model.number), flights.isOnItsWay(cell.inference)
        else { return self.counts.foreign += 1 }
        let payload = frame[Int(FABRIC_HEADER_BYTES)..<Int(FABRIC_HEADER_BYTES) + Int(cell.length)]
        switch UInt32(cell.type) {
        case FABRIC_ANSWER.rawValue:
          if cell.epoch == UInt16(self.model.epoch), self.keep(cell, payload, &open) {
            finished.append(cell.inference)
          }
        case FABRIC_MISSING.rawValue: wantedCells.append((cell.inference, Array(payload)))
        case FABRIC_REFUSAL.rawValue: isRefused = true
        default: self.counts.foreign += 1
        }
      }
      for inference in finished {
        let attempts = flights.attempts(of: inference)
        guard let time = flights.finish(inference, at: now), let answer = open.removeValue(forKey: inference)
        else { continue }
        results[answer.input] = FabricResult(
          outputs: lowering.outputs(of: answer.cells.map { $0 ?? [] }), time: time, attempts: attempts)
        done += 1
      }
      for (inference, has) in wantedCells {
        guard let answer = open[inference] else { continue }
        flights.hear(of: inference, at: now)
        counts.sentAgain += 1
        try send(inputs[answer.input], inference, UInt8(clamping: flights.attempts(of: inference)), has: has)
      }
      if isRefused { try moveOn(&flights, &open, inputs) }
      if received > 0 { continue }
      for action in flights.expire(at: now) { try act(action, open, inputs) }
      if let deadline = flights.deadline {
        try socket.wait(min(max(deadline - now, .zero), .milliseconds(100)))
      }
    }
    return results.compactMap { $0 }
  }

  /// Whether an answer is whole by this cell.
  private func keep(
    _ cell: fabric_cell, _ payload: Slice<UnsafeBufferPointer<UInt8>>, _ open: inout [UInt32: Open]
  ) -> Bool {
    let number = Int(cell.chunk)
    guard Int(cell.chunks) == answerCells.count, number < answerCells.count,
      payload.count == answerCells[number].elements.count * 8,
      open[cell.inference]?.cells[number] == nil
    else { return false }
    open[cell.inference]?.cells[number] = Array(payload)
    open[cell.inference]?.missing -= 1
    return open[cell.inference]?.missing == 0
  }

  private func act(
    _ action: ClientWindow.Action, _ open: [UInt32: Open], _ inputs: [[Int64]]
  ) throws(FabricError) {
    switch action {
    case .send(let inference, let attempt):
      if let answer = open[inference] { try send(inputs[answer.input], inference, attempt) }
    case .ask(let inference, let attempt):
      counts.asked += 1
      try ask(inference, attempt, has: open[inference]?.cells.map { $0 != nil } ?? [])
    case .fail(let inference):
      throw FabricError(
        .noAnswer, "the fabric \(names.fabric) gave no answer",
        cause: "inference \(inference) was asked for again and again",
        remedy: "`medulla fabric status` shows which switch drops cells")
    }
  }

  /// Sends the cells of an inference's inputs, but not those whose bits are set.
  private func send(
    _ features: [Int64], _ inference: UInt32, _ attempt: UInt8, has: [UInt8] = []
  ) throws(FabricError) {
    try socket.send(
      has.isEmpty
        ? frames.frames(of: features, inference: inference, attempt: attempt)
        : frames.frames(of: features, inference: inference, attempt: attempt, without: has))
  }

  private func ask(_ inference: UInt32, _ attempt: UInt8, has: [Bool]) throws(FabricError) {
    var cell = Self.header(
      model, client: seat.number, FABRIC_MISSING, label: lowering.stages.count - 1)
    (cell.inference, cell.attempt) = (inference, attempt)
    cell.chunks = 1
    cell.length = UInt16(FABRIC_CHUNKS / 8)
    var frame = [UInt8](repeating: 0, count: lowering.cells.bytes)
    frame.withUnsafeMutableBufferPointer { InputFrames.write(cell, to: &$0, at: 0) }
    for (number, isThere) in has.enumerated() where isThere {
      frame[Int(FABRIC_HEADER_BYTES) + number / 8] |= 1 << UInt8(number % 8)
    }
    try socket.send(frame)
  }

  private static func header(
    _ model: FabricState.Model, client: Int, _ type: fabric_type, label: Int
  ) -> fabric_cell {
    var cell = fabric_cell()
    cell.type = UInt8(type.rawValue)
    cell.hops = UInt8(FABRIC_HOP_LIMIT)
    cell.model = UInt16(model.number)
    cell.epoch = UInt16(truncatingIfNeeded: model.epoch)
    cell.label = UInt16(label)
    cell.client = UInt16(client)
    return cell
  }

  /// The network has moved to another epoch: what is on its way starts again there.
  private func moveOn(
    _ flights: inout ClientWindow, _ open: inout [UInt32: Open], _ inputs: [[Int64]]
  ) throws(FabricError) {
    let state = try FabricState.read(names)
    guard let found = state.models.first(where: { $0.number == model.number }), found.epoch != model.epoch
    else { return counts.refused += 1 }
    let folder = try PlanFolder.read(found.plan)
    lowering = try StageLowering(folder.plan, folder.file.snapshot)
    model = found
    frames = InputFrames(
      lowering, Self.header(model, client: seat.number, FABRIC_DATA, label: 0))
    for inference in open.keys {
      open[inference]?.cells = [[UInt8]?](repeating: nil, count: answerCells.count)
      open[inference]?.missing = answerCells.count
    }
    for action in flights.restart(at: now) { try act(action, open, inputs) }
  }
}
