import MedullaBase

/// A record in words, as `medulla history` and `medulla why` tell it.
package struct RecordWords {
  package let record: LoopRecord

  package init(_ record: LoopRecord) { self.record = record }

  /// Without a full stop and without a time; nil for what has nothing to say.
  package var sentence: String? {
    switch record {
    case .batch(let batch): Self.words(batch)
    case .progress(let round):
      "round \(round.round) learned from \(round.samples) samples in \(Self.time(round.seconds)), "
        + "value \(Self.number(round.stability))"
    case .retrain(let retrain): Self.words(retrain)
    case .failure(let failure): "\(failure.step.rawValue) failed: \(Self.firstLine(failure.message))"
    case .trigger(let decision):
      "learning \(decision.isOpen ? "began" : "rests"), by its trigger \(decision.trigger.rawValue): "
        + decision.evidence.reason
    case .gates(let gates):
      gates.isEmpty
        ? nil
        : "gates: "
          + gates.map { "\($0.gate.rawValue) \($0.isOpen ? "open" : "shut")" }.joined(separator: ", ")
    case .staged(let candidate):
      "candidate \(candidate.version) (\(candidate.digest.prefix(12))) was staged; its integers differ by "
        + "\(Self.percent(candidate.error)) of the output's range"
    case .shadow(let result):
      "candidate \(result.version) \(result.passed ? "passed" : "failed") the shadow phase: it differed by "
        + "\(Self.percent(result.meanDifference)) over \(result.decisions) decisions, allowed "
        + Self.percent(result.threshold)
    case .promotion(let promotion):
      "snapshot \(promotion.version) became active"
        + (promotion.before.map { " in place of \($0)" } ?? "") + (promotion.isForced ? ", as told" : "")
        + " (\(Self.time(promotion.seconds)))"
    case .verdict(let verdict): Self.words(verdict)
    case .rollback(let rollback):
      "snapshot \(rollback.from) was taken back"
        + (rollback.to.map { " to \($0)" } ?? "") + (rollback.isAutomatic ? " by the watch" : ", as told")
        + (rollback.isProvisional == true
          ? ", to see whether the rewards recover"
          : ", next try in \(Self.time(rollback.backOffSeconds)) at the soonest")
    case .pin(let pin):
      "someone else made snapshot \(pin.version) active" + (pin.before.map { " in place of \($0)" } ?? "")
        + "; it stays until `medulla resume`"
    case .command(let command): "a person said \(command.rawValue)"
    }
  }

  private static func words(_ batch: BatchStatistics) -> String {
    var text = "\(batch.samples) samples of \(batch.flows) flows in \(time(batch.seconds))"
    if batch.dropped > 0 { text += ", \(batch.dropped) dropped by the kernel" }
    if batch.discarded > 0 { text += ", \(batch.discarded) not learned from" }
    if let reward = batch.rewardMean { text += ", mean reward \(number(reward))" }
    return text
  }

  private static func words(_ retrain: RetrainRecord) -> String {
    let figures = retrain.figures.sorted { $0.key < $1.key }.map {
      "\(String($0.key.map { $0 == "_" ? " " : $0 })) \(number($0.value))"
    }
    let what =
      switch retrain.outcome {
      case .trained: "the network was trained anew"
      case .refused: "a network that was trained anew was refused"
      case .postponed: "the network was not trained anew"
      }
    return "\(what): \(retrain.reason)"
      + (figures.isEmpty ? "" : " (\(figures.joined(separator: ", ")))")
  }

  private static func words(_ verdict: WatchVerdict) -> String {
    let means =
      if let old = verdict.oldMean, let new = verdict.newMean {
        ": mean reward \(number(new)) against \(number(old)) before"
      } else { "" }
    if let words = takenBackWords(verdict) { return words }
    let chance = verdict.probability.map { ", by chance with probability \(number($0))" } ?? ""
    let pieces = " (\(verdict.newSamples) and \(verdict.oldSamples) samples)"
    switch verdict.outcome {
    case .accepted: return "snapshot \(verdict.version) was accepted\(means)\(pieces)"
    case .worse: return "snapshot \(verdict.version) did worse\(means)\(chance)\(pieces)"
    case .fell:
      return "the rewards of all flows fell with snapshot \(verdict.version)\(means)\(chance)\(pieces)"
    case .acquitted: return "snapshot \(verdict.version) was not to blame\(means)\(pieces)"
    case .undecided:
      return "snapshot \(verdict.version) stays, though too few rewards came to judge it\(pieces)"
    case .abandoned:
      return "the watch over snapshot \(verdict.version) ended: someone else changed the active one"
    }
  }

  /// Of a snapshot that was taken back to see whether the rewards recover.
  private static func takenBackWords(_ verdict: WatchVerdict) -> String? {
    guard verdict.comparison == .takenBack else { return nil }
    let numbers =
      if let without = verdict.oldMean, let with = verdict.newMean {
        ": mean reward \(number(without)) without it, \(number(with)) with it"
      } else { "" }
    return switch verdict.outcome {
    case .worse: "snapshot \(verdict.version) did worse: the rewards recovered without it\(numbers)"
    case .acquitted:
      "snapshot \(verdict.version) was not to blame: the rewards did not recover without it\(numbers)"
    case .undecided: "of snapshot \(verdict.version) \(verdict.reason ?? "nothing can be told")"
    case .accepted, .fell, .abandoned: nil
    }
  }

  private static func firstLine(_ text: String) -> String {
    String(text.split(separator: "\n", maxSplits: 1).first?.prefix(200) ?? "")
  }

  private static func number(_ value: Double) -> String { NumberText.short(value) }
  private static func time(_ seconds: Double) -> String { DurationText.short(seconds: seconds) }
  private static func percent(_ part: Double) -> String { number(part * 100) + "%" }
}
