import Foundation
import MedullaLearning
import MedullaModel
import MedullaSnapshot

#if canImport(Glibc)
import Glibc
#endif

/// The thread on which the adapter lives: one job at a time, at low priority, so that learning takes only the
/// processor time that nothing else wants.
final class Learner: @unchecked Sendable {
  enum Job: Sendable {
    case adapt(Batch)
    case evaluate([[Float]])
    case candidate(live: [[Float]], running: ProgramShape)
    case take(GivenLabel, CommandReply)
    case noteRollback
  }

  enum Answer: Sendable {
    case adapted(Progress, samples: Int, seconds: Double)
    case evaluated([[Float]])
    case candidate(Candidate)
    /// It has heard what it was told; whoever gave a label has the answer.
    case heard
    /// `isWaiting`: the adapter is not ready yet, and has not seen what it was given.
    case failed(LoopFailure, isWaiting: Bool)
  }

  private let adapter: any Adapter
  private let maker: CandidateMaker
  private let answer: @Sendable (Answer) -> Void
  private let condition = NSCondition()
  private var job: Job?
  private var isStopping = false
  private let ended = DispatchSemaphore(value: 0)

  var decidesUpdates: Bool { adapter.decidesUpdates }
  var tellsRewards: Bool { adapter.tellsRewards }

  /// The thread's nice value.
  static let niceness: Int32 = 10

  /// - Parameter answer: called on the learner's thread, once for each job.
  init(adapter: any Adapter, maker: CandidateMaker, answer: @escaping @Sendable (Answer) -> Void) {
    self.adapter = adapter
    self.maker = maker
    self.answer = answer
  }

  func start(name: String) {
    let thread = Thread { [self] in
      // On Linux this is the calling thread's own priority.
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
      LearningProcessors.$areAllUsed.withValue(false) {
        while let job = next() { answer(run(job)) }
      }
      adapter.close()
      ended.signal()
    }
    thread.name = "learn-\(name)"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// The caller has had the answer to the job before.
  func post(_ job: Job) {
    condition.lock()
    self.job = job
    condition.signal()
    condition.unlock()
  }

  /// Ends the thread after the job that it is at; the thread closes the adapter.
  ///
  /// - Returns: false when the job outlasts `grace`; the thread then ends by itself when the job does.
  func stop(grace: Duration) -> Bool {
    condition.lock()
    isStopping = true
    job = nil
    condition.signal()
    condition.unlock()
    return ended.wait(timeout: .now() + grace.seconds) == .success
  }

  private func next() -> Job? {
    condition.lock()
    defer { condition.unlock() }
    while job == nil, !isStopping { condition.wait() }
    defer { job = nil }
    return isStopping ? nil : job
  }

  private func run(_ job: Job) -> Answer {
    let begin = ContinuousClock.now
    func seconds() -> Double { (ContinuousClock.now - begin).seconds }
    var step = LoopFailure.Step.adapt
    do {
      switch job {
      case .adapt(let batch):
        let progress = try adapter.adapt(batch)
        guard progress.stability.isFinite else {
          throw AdaptationError(.badAnswer, "the adapter's stability value is \(progress.stability)")
        }
        return .adapted(progress, samples: batch.samples.count, seconds: seconds())
      case .evaluate(let inputs):
        step = .evaluate
        return .evaluated(try adapter.evaluate(inputs))
      case .take(let label, let reply):
        do {
          reply.give(.done(try adapter.take(label)))
        } catch {
          reply.give(.refused("\(error)"))
        }
        return .heard
      case .noteRollback:
        adapter.noteRollback()
        return .heard
      case .candidate(let live, let running):
        step = .freeze
        let network = try adapter.freeze()
        step = .quantize
        var candidate = try maker.make(network, live: live, running: running)
        candidate.seconds = seconds()
        return .candidate(candidate)
      }
    } catch {
      let code = (error as? AdapterFailure)?.code
      return .failed(
        LoopFailure(step: step, message: "\(error)"), isWaiting: code == .starting || code == .backingOff)
    }
  }
}
