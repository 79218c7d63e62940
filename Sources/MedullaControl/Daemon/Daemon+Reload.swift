import Foundation
import MedullaAdaptation
import MedullaSnapshot

// Reading the configuration again.
extension Daemon {
  func applyReload() {
    notification.send("RELOADING=1", "MONOTONIC_USEC=\(ServiceNotification.monotonicMicroseconds())")
    defer { notification.send("READY=1", "STATUS=\(statusLine)") }
    let next: Configuration
    do {
      next = try Configuration(path: configurationPath)
    } catch {
      log.error("the configuration stays as it was: \(error)")
      return
    }
    leaveIdleness()
    let plan = ReloadPlan(from: lock.withLock { configuration }, to: next)
    for key in plan.needRestart { log.warning("daemon.\(key) changes with the next start only") }
    // Ending a loop may wait for its adapter: the service manager hears of each.
    func stillAlive() { notification.send("WATCHDOG=1") }
    for name in plan.stopped {
      remove(name, order: next.daemon.onStop)
      stillAlive()
    }
    var applied = plan.applied
    for function in plan.started {
      stillAlive()
      do {
        try swap(to: function)
      } catch {
        log.error("\(function.name): \(error)")
        applied.functions.removeAll { $0.name == function.name }
        // What went on as it was is what holds.
        if let host = functions.first(where: { $0.settings.name == function.name }) {
          applied.functions.append(host.settings)
        }
      }
    }
    history.keep(age: applied.daemon.history, bytes: applied.daemon.historyLimit)
    lock.withLock { configuration = applied }
    log.notice(
      """
      reloaded: \(plan.started.count - plan.changed.count) new, \(plan.changed.count) changed, \
      \(plan.stopped.count) gone
      """
    )
  }

  /// Hosts a function by new settings. All that they name is looked at before the loop that runs ends; when
  /// the new one still cannot be built, the old one begins again.
  private func swap(to function: FunctionSettings) throws {
    try ConfigurationReferences.check(function)
    // The settings alone: what holds the old loop holds its samples too, which the new one needs.
    let old = functions.first { $0.settings.name == function.name }?.settings
    remove(function.name, order: nil)
    do {
      try begin(function)
    } catch {
      guard let old else { throw error }
      log.notice("\(function.name): goes on by its old settings")
      try begin(old)
      throw error
    }
  }

  private func begin(_ function: FunctionSettings) throws {
    let (host, _) = try host(function)
    lock.withLock { hosts.append(host) }
    host.loop.start()
  }

  /// Ends a function's loop; without an order the kernel keeps it as it is.
  private func remove(_ name: String, order: DaemonSettings.OnStop?) {
    guard let host = functions.first(where: { $0.settings.name == name }) else { return }
    host.loop.stop()
    if let order { release(host, order) }
    lock.withLock {
      hosts.removeAll { $0.settings.name == name }
      locks["\(Self.runDirectory)/\(name).lock"] = nil
    }
  }

  /// Lets learning go on from what someone else has put in place, where its network is known.
  func reseed() {
    let pinned = functions.filter { $0.settings.onUpdate == .reseed }.compactMap { host in
      host.loop.snapshot().pinnedVersion.map { (host.settings, $0) }
    }
    for (settings, version) in pinned where reseeded[settings.name] != version {
      reseeded[settings.name] = version
      do {
        guard try FunctionLoader(snapshots: snapshots, log: log).knowsNetwork(of: settings) else {
          log.warning(
            """
            \(settings.name): snapshot \(version) from outside is neither the bundle's nor one that was \
            kept, so learning cannot go on from it; it stays until `medulla resume`
            """)
          continue
        }
        notification.send("WATCHDOG=1")
        remove(settings.name, order: nil)
        try begin(settings)
        log.notice("\(settings.name): learning goes on from snapshot \(version), which came from outside")
      } catch {
        log.error("\(settings.name): \(error)")
      }
    }
  }
}
