import CMedullaFabric
import Foundation
import Glibc
import MedullaKernel

/// Several processes change a fabric: commands, and who watches it.
extension RunningFabric {
  /// Programs that have found a task are done with it by then: each runs for less than a quarter of a second.
  static let grace = Duration.milliseconds(300)
  /// How long a version that was replaced may stay beyond what it should, until anybody takes it away.
  package static let standardOverdue = Duration.seconds(5)

  /// Changes what is on the fabric while nobody else does, beginning with what it is now. What fails leaves
  /// it as it was.
  func change<Value>(_ body: () throws(FabricError) -> Value) throws(FabricError) -> Value {
    guard FileManager.default.fileExists(atPath: names.folder) else {
      throw FabricError(.notRunning, "there is no fabric \(names.fabric) any more")
    }
    let lock = try onKernel { () throws(KernelError) in
      try FileLock(path: names.changeLock, patience: lockPatience)
    }
    defer { withExtendedLifetime(lock) {} }
    try catchUp()
    try sweep()
    let before = state
    do throws(FabricError) {
      return try body()
    } catch {
      guard state != before else { throw error }
      refuse(state.models.filter { !before.models.contains($0) })
      wait(Self.grace)
      state = before
      keepTasks()
      throw error
    }
  }

  func wait(_ time: Duration) { usleep(UInt32(clamping: max(Int(time / .microseconds(1)), 0))) }

  /// Takes over what others have changed.
  func catchUp() throws(FabricError) {
    let stamp = FileStamp(FabricState.path(names))
    guard stamp != stateSeen else { return }
    (state, stateSeen) = (try FabricState.read(names), stamp)
    keepTasks()
  }

  func writeState() throws(FabricError) {
    try state.write(names)
    stateSeen = FileStamp(FabricState.path(names))
  }

  /// Has the switches' memories count as taken what the state says, and no more.
  func keepTasks() {
    for (name, node) in switches {
      let tasks = state.tasks.filter { $0.node == name }.map(\.installed)
      node.memory.keep(tasks.flatMap { $0.ranges + $0.constants })
    }
  }

  private var secondsNow: Double {
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }

  /// Notes that a version goes, once it has had so long.
  func noteLeaving(_ model: FabricState.Model, drain: Duration) {
    let time = drain + Self.grace + overdue
    state.leaving.append(
      FabricState.Leaving(model: model, overdueSeconds: secondsNow + time / .seconds(1)))
  }

  /// Takes away what whoever replaced it has left: refused first, and the next time removed.
  private func sweep() throws(FabricError) {
    let now = secondsNow
    let overdue = state.leaving.filter { $0.overdueSeconds < now }
    guard !overdue.isEmpty else { return }
    refuse(overdue.map(\.model))
    for (place, entry) in state.leaving.enumerated() where entry.overdueSeconds < now && !entry.isRefused {
      state.leaving[place].isRefused = true
      state.leaving[place].overdueSeconds = now + Self.grace / .seconds(1)
    }
    let old = overdue.filter(\.isRefused).map(\.model)
    if !old.isEmpty { try settle() }
    remove(old)
    try writeState()
  }

  /// Takes versions of networks away that were refused for `grace`.
  func forget(_ models: [FabricState.Model]) throws(FabricError) {
    try settle()
    try change { () throws(FabricError) in
      remove(models)
      try writeState()
    }
  }

  private func remove(_ models: [FabricState.Model]) {
    for model in models {
      let old = tasks(of: model)
      state.tasks.removeAll { old.contains($0) }
      state.leaving.removeAll { $0.model == model }
      giveBack(old)
      try? FileManager.default.removeItem(atPath: model.plan)
    }
  }

  /// Waits until no switch in user space is still at what it had begun: nothing ends a thread that takes
  /// long.
  private func settle() throws(FabricError) {
    guard state.datapath == .userspace else { return }
    let begun = switches.mapValues { $0.turns }
    let deadline = ContinuousClock.now + Self.standardOverdue
    while switches.contains(where: { $1.turns < (begun[$0] ?? 0) + 2 }) {
      try state.demandService(names)
      guard ContinuousClock.now < deadline else {
        throw FabricError(
          .system, "the switches of the fabric \(names.fabric) do not work on",
          remedy: "see whether the process of `medulla fabric up` is stopped")
      }
      wait(.milliseconds(5))
    }
  }
}
