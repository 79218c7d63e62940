import CMedullaFabric
import Glibc
import MedullaBase
import MedullaSnapshot

/// Watches a fabric's links, and moves layers when switches or links go: by a cell along each link in every
/// interval, and a new epoch of each network that needs what is gone.
package final class FabricWatch {
  package struct Settings: Sendable, Equatable {
    package var interval = Duration.milliseconds(10)
    /// Long enough for cells that wait behind others' work.
    package var patience = Duration.milliseconds(150)

    package init() {}
  }

  /// What it did.
  package struct Event: Sendable, Equatable {
    package let model: String
    package let epoch: Int
    /// By both ends.
    package let gone: [[String]]
    /// From the decision until clients can hear of the new epoch.
    package let took: Duration
    /// Why it could not be done; empty: it was.
    package let failure: String
  }

  /// Epochs that layers have moved from, and when nothing uses them any more.
  private struct Left {
    let models: [FabricState.Model]
    let due: Duration
  }

  /// A model has room for two more than the one that is used and the one to come.
  private static let mostLeft = Int(FABRIC_EPOCHS) - 2
  /// Of the thread that watches: what it does is little, and clients wait for it.
  private static let niceness: Int32 = -20
  /// Links are looked after meanwhile: what others hold is tried again.
  private var lockPatience = Duration.milliseconds(20)
  /// No client has it.
  private static let client = Int(UInt16.max)

  package let settings: Settings
  private let fabric: RunningFabric
  private let probes: LinkProbes
  private let socket: CellSocket
  private let clock = ContinuousClock()
  private let origin = ContinuousClock().now
  private var files: [String: SnapshotFile] = [:]
  private var plans: [String: FabricPlan] = [:]
  private var epochs: [String: Int] = [:]
  private var health: LinkHealth
  private var sequence: UInt32 = 0
  /// What the last remapping of each network was for, so that one that failed is not tried all the time.
  private var handled: [String: Set<Int>] = [:]
  private var left: [Left] = []

  /// - Throws: `badTopology` with too many links, `system` without root.
  package init(_ fabric: RunningFabric, _ settings: Settings = Settings()) throws(FabricError) {
    self.fabric = fabric
    self.settings = settings
    probes = try LinkProbes(fabric.state.topology)
    socket = try CellSocket(fabric.names, client: Self.client, format: fabric.state.cells)
    health = LinkHealth(links: probes.probes.count, patience: settings.patience, at: .zero)
    try learn()
    fabric.publish(probes)
  }

  private var hasNews: Bool {
    fabric.state.models.count != epochs.count
      || fabric.state.models.contains { epochs[$0.name] != $0.epoch }
  }

  /// Reads the networks that are there in an epoch which is not known yet.
  private func learn() throws(FabricError) {
    let models = fabric.state.models
    let names = Set(models.map(\.name))
    for gone in Set(plans.keys).subtracting(names) {
      (plans[gone], files[gone], epochs[gone]) = (nil, nil, nil)
    }
    for model in models where epochs[model.name] != model.epoch {
      let folder = try PlanFolder.read(model.plan)
      files[model.name] = folder.file
      plans[model.name] = folder.plan
      epochs[model.name] = model.epoch
      handled[model.name] = nil
    }
    try fabric.prepare(
      plans.compactMap { name, plan in files[name].map { PlanFolder(path: "", plan: plan, file: $0) } })
  }

  /// Takes over what others have changed on the fabric.
  private func catchUp() throws(FabricError) {
    try fabric.catchUp()
    guard hasNews else { return }
    while true {
      let models = fabric.state.models
      do throws(FabricError) {
        try learn()
        break
      } catch {
        // It may have been replaced once more meanwhile.
        try fabric.catchUp()
        if fabric.state.models == models { throw error }
      }
    }
    // What came meanwhile was not read.
    health = LinkHealth(links: probes.probes.count, patience: settings.patience, at: now)
  }

  private var now: Duration { clock.now - origin }

  /// Watches until it is told to stop.
  ///
  /// - Parameters:
  ///   - isDone: asked in every interval.
  ///   - report: told what is done.
  package func run(until isDone: () -> Bool, report: (Event) -> Void) throws(FabricError) {
    (fabric.lockPatience, lockPatience) = (lockPatience, fabric.lockPatience)
    defer { (fabric.lockPatience, lockPatience) = (lockPatience, fabric.lockPatience) }
    let before = getpriority(Int32(PRIO_PROCESS.rawValue), 0)
    setpriority(Int32(PRIO_PROCESS.rawValue), 0, Self.niceness)
    defer { setpriority(Int32(PRIO_PROCESS.rawValue), 0, before) }
    health = LinkHealth(links: probes.probes.count, patience: settings.patience, at: now)
    var next = now
    defer { try? forget(all: true) }
    while !isDone() {
      if now >= next {
        try send()
        next = now + settings.interval
      }
      try receive()
      try catchUp()
      try forget()
      if left.count < Self.mostLeft { try look(report) }
      try socket.wait(max(next - now, .zero))
    }
  }

  private func send() throws(FabricError) {
    sequence &+= 1
    var frames = [UInt8](repeating: 0, count: probes.probes.count * socket.format.bytes)
    frames.withUnsafeMutableBufferPointer { buffer in
      for (number, probe) in probes.probes.enumerated() {
        var cell = fabric_cell()
        cell.type = UInt8(FABRIC_DATA.rawValue)
        cell.hops = UInt8(FABRIC_HOP_LIMIT)
        cell.model = UInt16(FABRIC_PROBE_MODEL)
        (cell.epoch, cell.label) = (UInt16(probe.epoch), UInt16(probe.label))
        (cell.client, cell.inference, cell.chunks) = (UInt16(Self.client), sequence, 1)
        InputFrames.write(cell, to: &buffer, at: number * socket.format.bytes)
      }
    }
    try socket.send(frames)
  }

  private func receive() throws(FabricError) {
    let now = now
    _ = try socket.receive { frame in
      var cell = fabric_cell()
      guard let base = frame.baseAddress, fabric_parse(base, UInt32(frame.count), &cell) == 0,
        UInt32(cell.type) == FABRIC_ANSWER.rawValue, Int(cell.model) == Int(FABRIC_PROBE_MODEL)
      else { return }
      self.health.hear(Int(cell.epoch) * Int(FABRIC_LABELS) + Int(cell.label), at: now)
    }
  }

  /// Takes away what was left long enough ago.
  ///
  /// - Parameter all: waits for the rest.
  private func forget(all: Bool = false) throws(FabricError) {
    while let first = left.first, all || first.due <= now {
      usleep(UInt32(clamping: max(Int((first.due - now) / .microseconds(1)), 0)))
      do throws(FabricError) {
        try fabric.forget(first.models)
      } catch {
        // Who comes next takes it away, or this at its next turn.
        guard !all, (try? fabric.catchUp()) != nil else { throw error }
        return
      }
      left.removeFirst()
    }
  }

  /// Moves all networks that need what is gone, before anything of their former places is taken away.
  private func look(_ report: (Event) -> Void) throws(FabricError) {
    guard !health.isDeciding(at: now) else { return }
    let gone = health.gone(at: now)
    let links = gone.sorted().map { probes.probes[$0].link }
    var former: [FabricState.Model] = []
    var hasTried = false
    for (name, plan) in plans.sorted(by: { $0.key < $1.key }) {
      guard handled[name] != gone, Remapping.isNeeded(plan, gone: links), let file = files[name] else {
        continue
      }
      hasTried = true
      let started = now
      var failure = ""
      do throws(FabricError) {
        let next = try Remapping(plan, file.snapshot, of: fabric.state.topology, gone: links).plan
        let before = try fabric.advance(
          PlanFolder(path: "", plan: next, file: file), from: epochs[name])
        fabric.refuse([before])
        former.append(before)
        plans[name] = next
        epochs[name] = fabric.state.model(name)?.epoch
        handled[name] = nil
      } catch {
        failure = "\(error)"
        // Anything else may go by itself.
        if error.code == .doesNotFit { handled[name] = gone }
      }
      report(
        Event(
          model: name, epoch: fabric.state.model(name)?.epoch ?? 0,
          gone: links.map { [$0.one, $0.other] }, took: now - started, failure: failure))
    }
    guard hasTried else { return }
    if !former.isEmpty { left.append(Left(models: former, due: now + RunningFabric.grace)) }
    // What came meanwhile was not read.
    health = LinkHealth(links: probes.probes.count, patience: settings.patience, at: now)
  }
}
