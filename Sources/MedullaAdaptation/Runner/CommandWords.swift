/// What came of a command that the loop has heard, in words.
struct CommandWords {
  let text: String

  init(_ command: RunnerCommand, before: AdaptationLoop, after: AdaptationLoop) {
    let candidate = before.candidateVersion.map { " \($0)" } ?? ""
    switch command {
    case .pause:
      text =
        switch before.phase {
        case .learning: "paused"
        case .comparing, .quantizing, .staging, .shadowing: "paused; the update under way was given up"
        case .promoting: "paused; snapshot\(candidate) is becoming active and is watched still"
        case .watching: "paused; snapshot\(candidate) is watched still"
        case .rollingBack: "paused; the rollback goes on"
        }
    case .resume:
      text =
        before.pinned.map { "resumed; snapshot \($0) from outside may be replaced again" }
        ?? (before.isPaused ? "resumed" : "it was not paused")
    case .promote: text = "a candidate is being made; `medulla why` tells what comes of it"
    case .rollback:
      text =
        switch before.phase {
        case .shadowing: "candidate\(candidate) was given up"
        case .watching where before.watch.isTakenBack: "snapshot\(candidate) stays taken back"
        case .learning, .comparing, .quantizing, .staging, .promoting, .watching, .rollingBack:
          "going back from snapshot \(before.activeVersion.map(String.init) ?? "that is active")"
        }
    }
  }
}
