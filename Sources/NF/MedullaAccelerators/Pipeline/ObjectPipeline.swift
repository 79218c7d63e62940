import MedullaBase
import MedullaPayload

/// Objects from packet memory through a model, on an accelerator: what `ObjectSchedule` decides, done.
///
/// One caller. Nothing waits but `drain`; results come in the order in which objects became whole.
package final class ObjectPipeline {
  private struct Transfer {
    let object: UInt64
    let ticket: TransferTicket
    let pieces: [PayloadPiece]
    let closes: Bool
  }

  private struct Run {
    let object: UInt64
    let run: ModelRun
  }

  private let accelerator: any Accelerator
  private let model: AcceleratorModel
  private let memory: MemoryRegistration
  private let tensors: [DeviceTensor]
  private var schedule: ObjectSchedule
  // In the order of their tickets, and of their runs.
  private var transfers: [Transfer] = []
  private var runs: [Run] = []
  private var times: [UInt64: ObjectTimes] = [:]
  private var last: [UInt64: TransferTicket] = [:]
  private var released: [PayloadPiece] = []
  private var releasedCounts: [(object: UInt64, count: Int)] = []
  private var results: [ObjectResult] = []

  /// - Throws: `unsuitable` where the tensors are too small for the model, and what making them throws.
  package init(
    _ accelerator: any Accelerator, model: AcceleratorModel, memory: MemoryRegistration,
    settings: ObjectSchedule.Settings
  ) throws(AcceleratorError) {
    try settings.check()
    if let obstacle = try accelerator.obstacle(to: settings.policy) { throw obstacle }
    guard settings.tensorBytes >= model.objectBytes else {
      throw AcceleratorError(
        .unsuitable, "tensors of \(settings.tensorBytes) bytes are too small for the model \(model.name)",
        remedy: "it takes \(model.objectBytes)")
    }
    self.accelerator = accelerator
    self.model = model
    self.memory = memory
    schedule = ObjectSchedule(settings)
    var tensors: [DeviceTensor] = []
    do throws(AcceleratorError) {
      for _ in 0..<settings.tensors {
        tensors.append(try accelerator.makeTensor(byteCount: settings.tensorBytes))
      }
    } catch {
      for tensor in tensors { try? accelerator.free(tensor) }
      throw error
    }
    self.tensors = tensors
  }

  package var counts: ObjectSchedule.Counts { schedule.counts }
  /// Objects that are under way.
  package var objects: Int { schedule.objects }

  package func holds(_ object: UInt64) -> Bool { schedule.holds(object) }

  /// An object's first packet is there.
  ///
  /// - Returns: why it is refused; nil: its pieces are taken. The model's own size is the only one it takes.
  package func begin(_ object: UInt64, byteCount: Int) -> ObjectSchedule.Refusal? {
    let refusal = schedule.begin(object, byteCount: byteCount == model.objectBytes ? byteCount : 0)
    if refusal == nil {
      let now = accelerator.clock
      times[object] = ObjectTimes(
        first: now, whole: now, transferred: now, started: now, finished: now)
    }
    return refusal
  }

  /// Pieces of an object, as they are received. The frames are the pipeline's until `takeReleased`.
  ///
  /// - Throws: `outOfBounds` for a piece that leaves packet memory or object: nothing was taken.
  package func take(_ object: UInt64, _ pieces: [PayloadPiece]) throws(AcceleratorError) {
    try PieceBounds.check(pieces, memory: memory.byteCount, tensor: model.objectBytes)
    times[object]?.whole = accelerator.clock
    try perform(schedule.take(object, pieces), of: object)
  }

  /// The object will not become whole, such as after its deadline.
  package func abandon(_ object: UInt64) throws(AcceleratorError) {
    try perform(schedule.abandon(object), of: object)
    forgetIfGone(object)
  }

  /// Takes note of what is done by now.
  package func poll() throws(AcceleratorError) {
    var done = 0
    while done < transfers.count, let time = try accelerator.time(of: transfers[done].ticket) {
      let transfer = transfers[done]
      done += 1
      release(transfer.pieces, of: transfer.object)
      if transfer.closes { times[transfer.object]?.transferred = time }
      try perform(schedule.transferred(transfer.object), of: transfer.object)
      forgetIfGone(transfer.object)
    }
    transfers.removeFirst(done)
    while let first = runs.first, try isOver(first.run) {
      runs.removeFirst()
      deliver(first)
      try perform(schedule.computed(first.object), of: first.object)
    }
  }

  /// Waits until nothing is under way but objects that lack pieces.
  package func drain() throws(AcceleratorError) {
    while true {
      if let transfer = transfers.first {
        try accelerator.fence(transfer.ticket)
      } else if let run = runs.first?.run {
        // The model's own failure is part of its result.
        do throws(AcceleratorError) { try run.wait() } catch {
          guard run.outputs.failure != nil else { throw error }
        }
      } else {
        return
      }
      try poll()
    }
  }

  private func isOver(_ run: ModelRun) throws(AcceleratorError) -> Bool {
    do throws(AcceleratorError) { return try run.isDone() } catch {
      guard run.outputs.failure != nil else { throw error }
      return true
    }
  }

  private func deliver(_ one: Run) {
    var times =
      times.removeValue(forKey: one.object)
      ?? ObjectTimes(first: .zero, whole: .zero, transferred: .zero, started: .zero, finished: .zero)
    if let span = one.run.span { (times.started, times.finished) = (span.started, span.finished) }
    // The model ran after the transfer, also where only that was seen first.
    times.transferred = min(times.transferred, times.started)
    last[one.object] = nil
    let outcome: ObjectResult.Outcome
    do throws(AcceleratorError) {
      var outputs: [[UInt8]] = []
      for index in model.outputs.indices { outputs.append(try one.run.output(index)) }
      outcome = .outputs(outputs)
    } catch { outcome = .failed(error) }
    results.append(ObjectResult(object: one.object, outcome: outcome, times: times))
  }

  private func perform(
    _ actions: [ObjectSchedule.Action], of one: UInt64
  ) throws(AcceleratorError) {
    for action in actions {
      switch action {
      case .release(let pieces): release(pieces, of: one)
      case .gather(let object, let tensor, let pieces, let closes):
        let ticket = try accelerator.gather(
          pieces, from: memory, into: tensors[tensor], by: schedule.settings.policy, closes: closes)
        last[object] = ticket
        transfers.append(Transfer(object: object, ticket: ticket, pieces: pieces, closes: closes))
      case .run(let object, let tensor):
        let run = try accelerator.run(model, on: tensors[tensor], after: last[object])
        runs.append(Run(object: object, run: run))
      }
    }
  }

  /// What is kept of an object that was abandoned.
  private func forgetIfGone(_ object: UInt64) {
    guard !schedule.holds(object), !runs.contains(where: { $0.object == object }) else { return }
    times[object] = nil
    last[object] = nil
  }

  private func release(_ pieces: [PayloadPiece], of object: UInt64) {
    released += pieces
    if !pieces.isEmpty { releasedCounts.append((object, pieces.count)) }
  }

  /// The same by object: so many of its pieces, in the order in which it has given them.
  package func takeReleasedCounts() -> [(object: UInt64, count: Int)] {
    defer { (released, releasedCounts) = ([], []) }
    return releasedCounts
  }

  /// Pieces whose frames can be used anew, since the last call.
  package func takeReleased() -> [PayloadPiece] {
    defer { (released, releasedCounts) = ([], []) }
    return released
  }

  /// Results since the last call.
  package func takeResults() -> [ObjectResult] {
    defer { results = [] }
    return results
  }

  /// Gives the tensors back, when nothing is under way any more.
  package func close() throws(AcceleratorError) {
    try drain()
    try accelerator.quiesce()
    for tensor in tensors { try accelerator.free(tensor) }
  }
}
