import CMedullaFabric
import Glibc
import MedullaBase

/// An inference's answer.
package struct FabricResult: Sendable, Equatable {
  /// Fixed point, as the snapshot's outputs.
  package let outputs: [Int64]
  /// Of the network that gave it.
  package let epoch: Int
  /// From the first cell that was sent until the last one that came.
  package let time: Duration
  package let attempts: Int
  package let ended: ContinuousClock.Instant
}

/// Sends inputs into a fabric and takes the answers out.
///
/// An inference is made by one epoch of the network: it bears the number in all of its cells. When the
/// network is replaced, inferences that have begun end where they are, and others go to the new one.
package final class FabricClient {
  /// How often it looks whether the network was replaced.
  private static let lookInterval = Duration.milliseconds(10)
  private static let longestWait = Duration.milliseconds(10)

  private let names: FabricNames
  private let modelNumber: Int
  private let seat: ClientSeat
  private let room: InstalledTask.Room
  private let socket: CellSocket
  private var version: NetworkVersion
  private let clock = ContinuousClock()
  private let origin = ContinuousClock().now
  private var looked = Duration.zero
  private var times = ClientWindow.Times()
  /// Of the state file when it was read.
  private var stateSeen: FileStamp?
  package private(set) var counts = Counts()

  /// Does something to the frames that go out together, for tests.
  package var disturbance: ((inout [[UInt8]]) -> Void)? {
    get { socket.disturbance }
    set { socket.disturbance = newValue }
  }

  /// What a client saw.
  package struct Counts: Sendable, Equatable {
    /// For an answer that did not come.
    package var asked = 0
    /// Inferences whose inputs were sent in part again.
    package var sentAgain = 0
    /// Inferences that began again in another epoch.
    package var movedOn = 0
    /// Cells of nothing that is on its way.
    package var foreign = 0
  }

  /// - Parameter model: a name; nil: the only one that there is.
  /// - Throws: `notRunning`, `noSeat`, and `system` without root.
  package init(_ names: FabricNames, model name: String? = nil) throws(FabricError) {
    self.names = names
    stateSeen = FileStamp(FabricState.path(names))
    let state = try FabricState.read(names)
    try state.demandService(names)
    let model = try state.requiredModel(name)
    modelNumber = model.number
    room = state.room
    seat = try ClientSeat(names, clients: state.room.clients)
    socket = try CellSocket(names, client: seat.number, format: state.cells)
    version = try NetworkVersion(model, client: seat.number)
  }

  package var largestWindow: Int { room.slots }

  package var description: ClientDescription { version.description }

  private var now: Duration { clock.now - origin }

  /// An inference on its way, in one epoch of the network.
  private struct Open {
    let input: Int
    var version: NetworkVersion
    var answer: PartialAnswer

    init(_ input: Int, _ version: NetworkVersion) {
      self.input = input
      self.version = version
      answer = PartialAnswer(version.description)
    }
  }

  /// One call's inferences.
  private struct Run {
    let inputs: [[Int64]]
    var flights: ClientWindow
    var open: [UInt32: Open] = [:]
    var results: [FabricResult?]
    var started = 0
    var done = 0

    init(_ inputs: [[Int64]], _ flights: ClientWindow) {
      self.inputs = inputs
      self.flights = flights
      results = [FabricResult?](repeating: nil, count: inputs.count)
    }
  }

  /// What a frame has the client do once all that are there are read.
  private enum Wanted {
    case finish(UInt32)
    case send(UInt32, attempt: UInt8, without: [UInt8])
    case moveOn(UInt32)
  }

  /// Answers in the order of the inputs, which are features in fixed point.
  ///
  /// - Parameter window: inferences on their way at once, at most `largestWindow`.
  /// - Throws: `badInput` for a wrong number of features, `noAnswer` when one does not come.
  package func infer(_ inputs: [[Int64]], window: Int = 1) throws(FabricError) -> [FabricResult] {
    for (number, input) in inputs.enumerated() where input.count != description.inputs {
      throw FabricError(
        .badInput,
        "input \(number) has \(input.count) features, and the network takes \(description.inputs)")
    }
    var run = Run(
      inputs,
      ClientWindow(
        .init(window: window, slots: room.slots), first: try seat.take(inputs.count), times: times))
    defer { times = run.flights.times }
    while run.done < inputs.count {
      if try lookForReplacement() { try ask(forFormer: run) }
      try start(&run)
      let hasReceived = try receive(&run)
      guard let deadline = run.flights.deadline else { continue }
      if deadline <= now {
        for action in run.flights.expire(at: now) { try act(action, &run) }
      } else if !hasReceived {
        try socket.wait(min(deadline - now, Self.longestWait))
      }
    }
    return run.results.compactMap { $0 }
  }

  /// Asks for what is on its way in epochs that were replaced: where one has gone, that is told at once.
  private func ask(forFormer run: Run) throws(FabricError) {
    for (inference, open) in run.open where open.version.epoch != version.epoch {
      let attempt = UInt8(clamping: run.flights.attempts(of: inference))
      try socket.send(open.version.question(inference, attempt: attempt, has: open.answer))
    }
  }

  private func start(_ run: inout Run) throws(FabricError) {
    while run.started < run.inputs.count, run.flights.hasRoom {
      guard case .send(let inference, let attempt) = run.flights.start(at: now) else { return }
      run.open[inference] = Open(run.started, version)
      try socket.send(
        version.frames.frames(of: run.inputs[run.started], inference: inference, attempt: attempt))
      run.started += 1
    }
  }

  /// Takes what has come; false when there is nothing.
  private func receive(_ run: inout Run) throws(FabricError) -> Bool {
    var wanted: [Wanted] = []
    let count = try socket.receive { frame in
      if let each = self.read(frame, &run) { wanted.append(each) }
    }
    for each in wanted {
      switch each {
      case .finish(let inference): finish(inference, &run)
      case .send(let inference, let attempt, let has):
        guard let open = run.open[inference] else { continue }
        run.flights.hear(of: inference, attempt: attempt, at: now)
        counts.sentAgain += 1
        try socket.send(
          open.version.frames.frames(
            of: run.inputs[open.input], inference: inference,
            attempt: UInt8(clamping: run.flights.attempts(of: inference)), without: has))
      case .moveOn(let inference): try moveOn(inference, &run)
      }
    }
    return count > 0
  }

  private func read(_ frame: UnsafeBufferPointer<UInt8>, _ run: inout Run) -> Wanted? {
    var cell = fabric_cell()
    guard let base = frame.baseAddress, fabric_parse(base, UInt32(frame.count), &cell) == 0,
      cell.model == UInt16(modelNumber), let open = run.open[cell.inference],
      cell.epoch == UInt16(truncatingIfNeeded: open.version.epoch)
    else {
      counts.foreign += 1
      return nil
    }
    let payload = UnsafeRawBufferPointer(
      start: base + Int(FABRIC_HEADER_BYTES), count: Int(cell.length))
    switch UInt32(cell.type) {
    case FABRIC_ANSWER.rawValue:
      run.open[cell.inference]?.answer.take(cell, payload, open.version.description)
      return run.open[cell.inference]?.answer.isWhole == true ? .finish(cell.inference) : nil
    case FABRIC_MISSING.rawValue: return .send(cell.inference, attempt: cell.attempt, without: Array(payload))
    case FABRIC_REFUSAL.rawValue: return .moveOn(cell.inference)
    default: return nil
    }
  }

  private func finish(_ inference: UInt32, _ run: inout Run) {
    let attempts = run.flights.attempts(of: inference)
    guard let open = run.open.removeValue(forKey: inference),
      let time = run.flights.finish(inference, at: now)
    else { return }
    run.results[open.input] = FabricResult(
      outputs: open.answer.outputs, epoch: open.version.epoch, time: time, attempts: attempts,
      ended: clock.now)
    run.done += 1
  }

  private func act(_ action: ClientWindow.Action, _ run: inout Run) throws(FabricError) {
    switch action {
    case .send: break
    case .ask(let inference, let attempt):
      guard let open = run.open[inference] else { return }
      counts.asked += 1
      try socket.send(open.version.question(inference, attempt: attempt, has: open.answer))
    case .fail(let inference):
      try FabricState.read(names).demandService(names)
      throw FabricError(
        .noAnswer, "the fabric \(names.fabric) gave no answer",
        cause: "inference \(inference) was asked for again and again",
        remedy: "`medulla fabric status` shows which switch drops cells")
    }
  }

  /// An inference begins again where the network is now: its epoch has gone.
  private func moveOn(_ inference: UInt32, _ run: inout Run) throws(FabricError) {
    looked = .zero
    stateSeen = nil
    _ = try lookForReplacement()
    guard let open = run.open[inference], open.version.epoch != version.epoch else {
      return
    }
    counts.movedOn += 1
    run.open[inference] = Open(open.input, version)
    run.flights.hear(of: inference, attempt: 0, at: now)
    try socket.send(
      version.frames.frames(
        of: run.inputs[open.input], inference: inference,
        attempt: UInt8(clamping: run.flights.attempts(of: inference))))
  }

  /// Whether there is one.
  private func lookForReplacement() throws(FabricError) -> Bool {
    guard looked == .zero || now - looked >= Self.lookInterval else { return false }
    looked = now
    let stamp = FileStamp(FabricState.path(names))
    guard stamp != stateSeen else { return false }
    stateSeen = stamp
    let found = try FabricState.read(names).models.first { $0.number == modelNumber }
    guard let found else {
      throw FabricError(
        .notRunning, "the network has gone from the fabric \(names.fabric)",
        remedy: "`medulla fabric status` shows which networks there are")
    }
    guard found.epoch != version.epoch else { return false }
    version = try version.next(found)
    return true
  }
}
