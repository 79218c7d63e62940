// The table of phases and events: a function for each phase, a line for each event or for those that mean
// the same there. Nothing is left to a default, so that a new event or phase asks for its line everywhere.
//
// Drained rewards count in every phase, and so does a round of learning. An answer that comes in another
// phase than the one that asked for it is of an order that was given up meanwhile: it is ignored.
extension AdaptationLoop {
  /// - Parameter now: of a monotonic clock, the one that stamps the samples.
  package mutating func handle(_ event: LoopEvent, at now: Duration) -> [LoopAction] {
    if case .drained(let rewards, _) = event { watch.add(rewards, at: now) }
    return switch phase {
    case .learning: learning(event, now)
    case .comparing(let said): comparing(event, said, now)
    case .quantizing(let said, let isForced): quantizing(event, said, isForced, now)
    case .staging(let candidate, let isForced): staging(event, candidate, isForced, now)
    case .shadowing(let version, let tally, let isForced): shadowing(event, version, tally, isForced, now)
    case .promoting(let version, let isForced): promoting(event, version, isForced, now)
    case .watching(let version): watching(event, version, now)
    case .rollingBack(let retreat): rollingBack(event, retreat, now)
    }
  }

  private mutating func learning(_ event: LoopEvent, _ now: Duration) -> [LoopAction] {
    switch event {
    case .drained: wake(now)
    case .learned(let progress): tryUpdate(progress, now)
    case .trained(let progress): tryTrained(progress, now)
    case .found(let change, let rewards): found(change, rewards, now)
    case .active(let version): active(version, now)
    // Of an order that was given up.
    case .staged: [.discard]
    case .attachedAnew: attachedAnew(now)
    case .failed(let failure): [.record(.failure(failure))]
    case .command(.pause): pause()
    case .command(.resume): resume()
    case .command(.promote): force()
    case .command(.rollback): retreat(from: nil, now)
    case .compared, .quantized, .promoted, .discarded, .rolledBack: []
    }
  }

  private mutating func comparing(
    _ event: LoopEvent, _ said: [GateDecision], _ now: Duration
  ) -> [LoopAction] {
    switch event {
    case .learned(let progress): note(progress, now)
    case .trained(let progress): noteTrained(progress, now)
    case .compared(let losses): compared(losses, said: said, now)
    case .active(let version): active(version, now)
    // Of an order that was given up.
    case .staged: [.discard]
    case .attachedAnew: attachedAnew(now)
    case .failed(let failure):
      switch failure.step {
      case .query, .evaluate: giveUp(for: failure, now)
      case .drain, .adapt, .freeze, .quantize, .stage, .shadow, .promote, .discard, .rollback:
        [.record(.failure(failure))]
      }
    case .command(.pause): pauseUpdate(now)
    case .command(.resume): resume()
    case .command(.promote): force()
    case .command(.rollback): retreat(from: nil, now)
    case .drained, .quantized, .promoted, .discarded, .rolledBack, .found: []
    }
  }

  private mutating func quantizing(
    _ event: LoopEvent, _ said: [GateDecision], _ isForced: Bool, _ now: Duration
  ) -> [LoopAction] {
    switch event {
    case .learned(let progress): note(progress, now)
    case .trained(let progress): noteTrained(progress, now)
    case .quantized(let candidate): quantized(candidate, said: said, isForced: isForced, now)
    case .active(let version): active(version, now)
    // Of an order that was given up.
    case .staged: [.discard]
    case .attachedAnew: attachedAnew(now)
    case .failed(let failure):
      switch failure.step {
      case .freeze, .quantize: giveUp(for: failure, now)
      case .drain, .adapt, .query, .evaluate, .stage, .shadow, .promote, .discard, .rollback:
        [.record(.failure(failure))]
      }
    case .command(.pause): pauseUpdate(now)
    case .command(.resume): resume()
    case .command(.promote): refuse(.promote)
    case .command(.rollback): refuse(.rollback)
    case .drained, .compared, .promoted, .discarded, .rolledBack, .found: []
    }
  }

  private mutating func staging(
    _ event: LoopEvent, _ candidate: Candidate, _ isForced: Bool, _ now: Duration
  ) -> [LoopAction] {
    switch event {
    case .learned(let progress): note(progress, now)
    case .trained(let progress): noteTrained(progress, now)
    case .staged(let version): staged(version, candidate, isForced: isForced, now)
    case .active(let version): active(version, now)
    case .attachedAnew: attachedAnew(now)
    case .failed(let failure):
      switch failure.step {
      case .stage, .shadow: giveUp(for: failure, now)
      case .drain, .adapt, .query, .evaluate, .freeze, .quantize, .promote, .discard, .rollback:
        [.record(.failure(failure))]
      }
    case .command(.pause): pauseUpdate(now)
    case .command(.resume): resume()
    case .command(.promote): refuse(.promote)
    case .command(.rollback): refuse(.rollback)
    case .drained, .compared, .quantized, .promoted, .discarded, .rolledBack, .found: []
    }
  }

  private mutating func shadowing(
    _ event: LoopEvent, _ version: UInt64, _ tally: ShadowTally, _ isForced: Bool, _ now: Duration
  ) -> [LoopAction] {
    switch event {
    case .drained(_, let differences):
      judgeShadow(version, tally.adding(differences), isForced: isForced, now)
    case .learned(let progress): note(progress, now)
    case .trained(let progress): noteTrained(progress, now)
    case .active(let version): active(version, now)
    case .attachedAnew: attachedAnew(now)
    case .failed(let failure): [.record(.failure(failure))]
    case .command(.pause): pauseUpdate(now)
    case .command(.resume): resume()
    case .command(.promote): forceShadowed(version)
    case .command(.rollback): giveUpShadowed(now)
    case .compared, .quantized, .staged, .promoted, .discarded, .rolledBack, .found: []
    }
  }

  private mutating func promoting(
    _ event: LoopEvent, _ version: UInt64, _ isForced: Bool, _ now: Duration
  ) -> [LoopAction] {
    switch event {
    case .learned(let progress): note(progress, now)
    case .trained(let progress): noteTrained(progress, now)
    case .promoted(let seconds): promoted(version, seconds: seconds, isForced: isForced, now)
    case .attachedAnew: attachedAnew(now)
    case .failed(let failure):
      switch failure.step {
      case .promote: giveUp(for: failure, now) + [.discard]
      case .drain, .adapt, .query, .evaluate, .freeze, .quantize, .stage, .shadow, .discard, .rollback:
        [.record(.failure(failure))]
      }
    case .command(.pause): pause()
    case .command(.resume): resume()
    case .command(.promote): refuse(.promote)
    case .command(.rollback): refuse(.rollback)
    // What is active is about to change.
    case .active: []
    case .drained, .compared, .quantized, .staged, .discarded, .rolledBack, .found: []
    }
  }

  private mutating func watching(
    _ event: LoopEvent, _ version: UInt64, _ now: Duration
  ) -> [LoopAction] {
    switch event {
    case .drained: judge(version, now)
    case .learned(let progress): note(progress, now)
    case .trained(let progress): noteTrained(progress, now)
    case .active(let version): active(version, now)
    case .attachedAnew: attachedAnew(now)
    case .failed(let failure): [.record(.failure(failure))]
    case .command(.pause): pause()
    case .command(.resume): resume()
    case .command(.promote): refuse(.promote)
    case .command(.rollback): retreat(from: version, now)
    case .compared, .quantized, .staged, .promoted, .discarded, .rolledBack, .found: []
    }
  }

  private mutating func rollingBack(
    _ event: LoopEvent, _ retreat: Retreat, _ now: Duration
  ) -> [LoopAction] {
    switch event {
    case .drained: retreat.failures > 0 ? [.rollback] : []
    case .learned(let progress): note(progress, now)
    case .trained(let progress): noteTrained(progress, now)
    case .rolledBack(let version): rolledBack(to: version, retreat, now)
    case .active(let version): active(version, now)
    case .attachedAnew: attachedAnew(now)
    case .failed(let failure):
      switch failure.step {
      case .rollback: rollbackFailed(retreat, failure, now)
      case .drain, .adapt, .query, .evaluate, .freeze, .quantize, .stage, .shadow, .promote, .discard:
        [.record(.failure(failure))]
      }
    case .command(.pause): pause()
    case .command(.resume): resume()
    case .command(.promote): refuse(.promote)
    case .command(.rollback): refuse(.rollback)
    case .compared, .quantized, .staged, .promoted, .discarded, .found: []
    }
  }
}
