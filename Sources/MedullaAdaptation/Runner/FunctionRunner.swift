import Dispatch
import Foundation
import Logging
import MedullaBase
import MedullaCompile
import MedullaDatapath
import Synchronization

/// One function's slow path: a collector that drains every T and runs the loop, and a learner on which the
/// adapter works at low priority.
///
/// Nothing that an adapter does, or fails to do, delays the collector: a long round costs fresh samples,
/// which are merged, then discarded and counted, and a rollback never waits for a round to end.
package final class FunctionRunner: Sendable {
  package let settings: FunctionSettings
  private let mailbox = RunnerMailbox()
  private let core: RunnerCore
  private let worker: FastPathThread
  private let learner: Learner?
  private let shown: Mutex<RunnerState>
  private let life = Mutex(Life.new)
  private let ended = DispatchSemaphore(value: 0)

  private enum Life {
    case new, running, stopped
  }

  /// How long `stop` waits for a round of the adapter that is under way.
  package static let stopGrace = Duration.seconds(15)

  /// - Parameters:
  ///   - fastPath: given over to the runner, as the adapter: nobody else may use them from then on.
  ///   - adapter: nil drains and counts only.
  ///   - start: the network that runs, for candidates and the output's range.
  ///   - isForeign: whether what is active was put there by someone else, and is not `start`: then it is
  ///     pinned.
  ///   - measure: what the watch goes by; nil: the function's own (`FunctionSettings.standardMeasure`).
  ///   - journal: told on the collector's thread.
  /// - Throws: `badSettings`, also when the adapter's network has other sizes than the running one.
  package init(
    settings: FunctionSettings, fastPath: any FastPath, adapter: (any Adapter)?, start: StartNetwork,
    isForeign: Bool = false,
    measure: (any RewardMeasure)? = nil, journal: RunnerJournal,
    log: Logger = Logger(label: "medulla.adaptation")
  ) throws(AdaptationError) {
    try settings.validateLearning()
    let (inputs, outputs) = (start.shape.inputs, start.shape.outputs)
    if let adapter, adapter.inputs != inputs || adapter.outputs != outputs {
      throw AdaptationError(
        .badSettings,
        "function \(settings.name): the adapter's network takes \(adapter.inputs) values to "
          + "\(adapter.outputs), the running one \(inputs) to \(outputs)")
    }
    if let ranges = settings.gates.necessity.outputs, ranges.count != outputs {
      throw AdaptationError(
        .badSettings,
        "function \(settings.name): necessity.outputs has \(ranges.count) ranges for \(outputs) outputs")
    }
    self.settings = settings
    let maker = CandidateMaker(start, keepsRanges: FunctionList.all[settings.function]?.keepsRanges ?? false)
    let mailbox = mailbox
    learner = adapter.map { Learner(adapter: $0, maker: maker) { mailbox.deliver($0) } }
    worker = FastPathThread(ActionCarrier(fastPath, settings: settings, journal: journal)) {
      mailbox.deliver($0)
    }
    core = RunnerCore(
      settings: settings, fastPath: fastPath, worker: worker, isForeign: isForeign, learner: learner,
      maker: maker,
      measure: measure ?? settings.standardMeasure, journal: journal, log: log)
    shown = Mutex(RunnerState(name: settings.name, adapter: settings.adapter.kind))
  }

  /// Begins to drain and learn; once only.
  package func start() {
    let isFirst = life.withLock { life in
      guard life == .new else { return false }
      life = .running
      return true
    }
    guard isFirst else { return }
    learner?.start(name: settings.name)
    worker.start(name: settings.name)
    let thread = Thread { [self] in
      run()
      ended.signal()
    }
    thread.name = "drain-\(settings.name)"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Ends both threads and waits for them. The fast path goes on as it is; a candidate that is still staged
  /// is given up. A round of the adapter that outlasts `stopGrace` is left to end by itself.
  package func stop() {
    let before = life.withLock { life in
      defer { life = .stopped }
      return life
    }
    if before == .new { learner?.start(name: settings.name) }
    guard before == .running else {
      _ = before == .new ? learner?.stop(grace: Self.stopGrace) : nil
      return
    }
    mailbox.stop()
    ended.wait()
    _ = learner?.stop(grace: Self.stopGrace)
    shown.withLock { $0.isRunning = false }
  }

  /// The state as of the last drain or event.
  package func snapshot() -> RunnerState { shown.withLock { $0 } }

  /// Returns when the loop has heard it; what it began may take longer.
  @discardableResult
  package func command(_ command: RunnerCommand) -> CommandAnswer {
    guard life.withLock({ $0 == .running }) else { return .unheard("it does not run") }
    return mailbox.deliver(command)?.wait() ?? .unheard("it has too many commands to come to")
  }

  /// Returns when the adapter has taken it, and what comes of it.
  package func give(_ label: GivenLabel) -> CommandAnswer {
    guard life.withLock({ $0 == .running }) else { return .unheard("it does not run") }
    return mailbox.deliver(label)?.wait() ?? .unheard("it has too many labels to come to")
  }

  /// A value from outside that tells how well the network still does, for a proxy trigger.
  ///
  /// - Returns: false when the runner does not run.
  @discardableResult
  package func report(proxy: Double) -> Bool {
    guard life.withLock({ $0 == .running }) else { return false }
    mailbox.deliver(proxy: proxy)
    return true
  }

  private func run() {
    var schedule = DrainSchedule(interval: settings.interval, start: MonotonicClock.now)
    core.begin(at: schedule.next)
    while true {
      let mail = mailbox.take(until: schedule.next)
      let now = MonotonicClock.now
      for answer in mail.answers { core.receive(answer, at: now) }
      for report in mail.reports { core.receive(report, at: now) }
      for (command, reply) in mail.commands { reply.give(core.tell(command, at: now)) }
      for (label, reply) in mail.labels { core.give(label, reply) }
      if let proxy = mail.proxy { core.tell(proxy: proxy, at: now) }
      if mail.isStopping { break }
      if now >= schedule.next {
        core.tick(at: now)
        schedule.advance(at: MonotonicClock.now)
      }
      show(isRunning: true)
    }
    core.end(at: MonotonicClock.now)
    show(isRunning: false)
  }

  private func show(isRunning: Bool) {
    core.refresh(at: MonotonicClock.now)
    var state = core.state
    state.isRunning = isRunning
    shown.withLock { $0 = state }
  }
}

extension FunctionSettings {
  /// The function's own measure of its decisions; nil: it has none, and promoted snapshots are not watched.
  package var standardMeasure: (any RewardMeasure)? {
    FunctionList.all[function]?.reward(memory: max(watch.window * 2, .seconds(10)))
      ?? watch.outcome.map { OutcomeReward(index: $0) }
  }
}
