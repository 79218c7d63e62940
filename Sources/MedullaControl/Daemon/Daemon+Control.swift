import Foundation
import Glibc
import MedullaAdaptation
import MedullaBase
import MedullaSnapshot

// Answers on the control socket.
extension Daemon: ControlTarget {
  package func answer(_ request: ControlRequest, from peer: ControlPeer) -> ControlAnswer {
    do {
      switch request.method {
      case .hello: return ControlAnswer(HelloAnswer(version: Self.version, process: getpid()))
      case .status, .top: return ControlAnswer(try report(request.function))
      case .why: return ControlAnswer(WhyAnswer(functions: try why(request.function)))
      case .history: return ControlAnswer(try historyAnswer(request))
      case .pause, .resume, .promote, .rollback: return ControlAnswer(try tell(request, peer))
      case .proxy: return ControlAnswer(try take(proxy: request, peer))
      case .label: return ControlAnswer(try take(label: request, peer))
      case .reload: return ControlAnswer(try orderReload(peer))
      case .stop: return ControlAnswer(orderStop(request, peer))
      case .startChain: return ControlAnswer(try startChain(request, peer))
      case .stopChain: return ControlAnswer(try stopChain(request, peer))
      case .chains: return ControlAnswer(ChainsAnswer(chains: try chainReports(request.chain)))
      }
    } catch {
      return .failure(error)
    }
  }

  package func frame(function: String?) -> ControlAnswer {
    do {
      return ControlAnswer(try report(function))
    } catch {
      return .failure(error)
    }
  }

  private func hosts(_ name: String?) throws(ControlError) -> [FunctionHost] {
    guard let name else { return functions }
    guard let host = functions.first(where: { $0.settings.name == name }) else {
      let names = functions.map(\.settings.name).joined(separator: ", ")
      throw ControlError(
        .unknownFunction, "the daemon has no function \"\(name)\"",
        remedy: idle != nil
          ? "someone had its functions detached: `medulla reload` attaches them again"
          : names.isEmpty ? "it has none" : "it has: \(names)")
    }
    return [host]
  }

  func report(_ function: String?) throws(ControlError) -> DaemonReport {
    let settings = self.settings
    return DaemonReport(
      time: Date().timeIntervalSince1970, version: Self.version, process: getpid(), user: userName,
      capabilities: Privileges.effective(), uptimeSeconds: (ContinuousClock.now - started).inSeconds,
      configuration: configurationPath, socket: settings.socket, socketOrigin: socketOrigin,
      onStop: settings.onStop, history: history.health, functions: try hosts(function).map { $0.report() },
      chains: function == nil ? chains.reports : [])
  }

  private func why(_ name: String?) throws(ControlError) -> [WhyReport] {
    // What was detached has its history still.
    if let idle, name.map(idle.contains) ?? true {
      return (name.map { [$0] } ?? idle).map { why($0, state: nil) }
    }
    return try hosts(name).map { host in
      var report = why(host.settings.name, state: host.loop.snapshot())
      if host.settings.adapter.isolations.contains(where: { $0.level == .none }) {
        let what = host.settings.adapter.agents.isEmpty ? "its adapter" : "an agent of its adapter"
        report.reasons.append(
          "\(what) runs WITHOUT isolation (`isolation: none`): it may do whatever its user may")
      }
      return report
    }
  }

  private func why(_ name: String, state: RunnerState?) -> WhyReport {
    var last: [String: StoredRecord] = [:]
    for kind in WhyReport.kinds {
      last[kind] = try? history.records(HistoryQuery(function: name, kind: kind, limit: 1)).last
    }
    return WhyReport(function: name, last: last, state: state, now: Date().timeIntervalSince1970)
  }

  private func historyAnswer(_ request: ControlRequest) throws(ControlError) -> HistoryAnswer {
    if let kind = request.kind, !LoopRecord.kinds.contains(kind) {
      throw ControlError(
        .badParameter, "there is no kind of record \"\(kind)\"",
        remedy: "kinds are: \(LoopRecord.kinds.joined(separator: ", "))")
    }
    let since = request.since.map { Date().timeIntervalSince1970 - $0 }
    let limit = request.limit ?? 100
    return HistoryAnswer(
      records: try history.records(
        HistoryQuery(function: request.function, kind: request.kind, since: since, limit: limit)),
      snapshots: try history.snapshots(function: request.function, limit: min(limit, 100)))
  }

  private func tell(_ request: ControlRequest, _ peer: ControlPeer) throws(ControlError) -> ControlOutcome {
    guard let command = RunnerCommand(rawValue: request.method.rawValue) else {
      throw ControlError(.unknownMethod, "there is no command \(request.method.rawValue)")
    }
    let hosts = try self.hosts(request.function)
    let isForAll = command == .pause || command == .resume
    guard hosts.count == 1 || (isForAll && !hosts.isEmpty) else {
      let names = hosts.map(\.settings.name).joined(separator: ", ")
      throw ControlError(
        .badParameter, "\(command.rawValue) needs the name of one function", remedy: "there are: \(names)")
    }
    for host in hosts {
      guard command == .pause || command == .resume || host.settings.adapter != .none else {
        throw ControlError(
          .refused, "\(host.settings.name) has no adapter, so there is nothing to \(command.rawValue)",
          remedy: "`medulla update` and `medulla rollback` change the snapshot in the kernel")
      }
    }
    var told: [String] = []
    for host in hosts {
      log.notice(
        "\(host.settings.name): told to \(command.rawValue) by user \(peer.user), process \(peer.process)")
      switch host.loop.command(command) {
      case .done(let words): told.append("\(host.settings.name): \(words)")
      case .refused(let reason), .unheard(let reason):
        let others = told.isEmpty ? "" : "; before it, \(told.joined(separator: "; "))"
        throw ControlError(.refused, "\(host.settings.name): not \(command.rawValue): \(reason)\(others)")
      }
    }
    return ControlOutcome(told.joined(separator: "; "))
  }

  private func take(proxy request: ControlRequest, _ peer: ControlPeer) throws(ControlError) -> ControlOutcome
  {
    guard let value = request.value else {
      throw ControlError(.badParameter, "proxy needs a \"value\" that is a number")
    }
    let hosts = try self.hosts(request.function)
    guard hosts.count == 1, let host = hosts.first else {
      let names = hosts.map(\.settings.name).joined(separator: ", ")
      throw ControlError(
        .badParameter, "proxy needs the name of one function", remedy: "there are: \(names)")
    }
    let name = host.settings.name
    guard case .proxy = host.settings.trigger.kind else {
      throw ControlError(
        .refused, "\(name) does not learn by a value from outside",
        remedy: "give it a trigger of kind proxy in the configuration")
    }
    log.debug("\(name): user \(peer.user), process \(peer.process) says that it does \(value)")
    guard host.loop.report(proxy: value) else {
      throw ControlError(.refused, "\(name) does not run")
    }
    return ControlOutcome("told \(name)")
  }

  private func take(label request: ControlRequest, _ peer: ControlPeer) throws(ControlError) -> ControlOutcome
  {
    guard let flow = request.flow, !flow.isEmpty, let label = request.label, !label.isEmpty else {
      throw ControlError(.badParameter, "label needs a \"flow\" and a \"label\"")
    }
    let hosts = try self.hosts(request.function)
    guard hosts.count == 1, let host = hosts.first else {
      let names = hosts.map(\.settings.name).joined(separator: ", ")
      throw ControlError(.badParameter, "label needs the name of one function", remedy: "there are: \(names)")
    }
    let name = host.settings.name
    let records = try DecisionRecords(HistoryArchive(directory: settings.state), function: name)
    let decision = try records.last(of: flow)
    log.notice(
      "\(name): user \(peer.user), process \(peer.process) says that \(decision.flowText) is \(label)")
    let answer = host.loop.give(
      GivenLabel(
        sample: decision.sample, features: decision.naturalFeatures,
        prediction: ClassAnswer(decision.outputs).row, label: label))
    switch answer {
    case .done(let words): return ControlOutcome("\(decision.flowText): \(words)")
    case .refused(let reason), .unheard(let reason):
      throw ControlError(.refused, "\(name): the label was not taken: \(reason)")
    }
  }

  private func orderReload(_ peer: ControlPeer) throws(ControlError) -> ControlOutcome {
    let next = try Configuration(path: configurationPath)
    for function in ReloadPlan(from: lock.withLock { configuration }, to: next).started {
      try ConfigurationReferences.check(function)
    }
    log.notice("told to reload by user \(peer.user), process \(peer.process)")
    reload()
    return ControlOutcome(
      "\(configurationPath) has no errors, what it names is there, and it is being applied; the log says "
        + "what changed"
    )
  }

  private func orderStop(_ request: ControlRequest, _ peer: ControlPeer) -> ControlOutcome {
    let order = request.onStop ?? settings.onStop
    log.notice("told to stop and \(order.rawValue) by user \(peer.user), process \(peer.process)")
    stop(order)
    return ControlOutcome(
      order == .keep
        ? "stopping; the functions stay on in the kernel" : "stopping and detaching the functions")
  }
}
