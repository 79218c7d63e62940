import CMedullaFabric
import Foundation
import Glibc
import MedullaBase
import MedullaSnapshot

/// Networks come onto a fabric, are replaced, and go.
///
/// Each version of a network is an epoch of its own: its tasks are in all switches before the first way leads
/// to them, and all cells of an inference bear one epoch, so that none meets two versions. The version before
/// goes when its inferences have had time to end; who still asks it then is refused, and asks again.
extension RunningFabric {
  /// What an inference takes at most, by far.
  package static let standardDrain = Duration.seconds(1)

  /// Adds a network.
  ///
  /// - Throws: `badInput` where it is there, or its plan is of another fabric.
  package func add(_ folder: PlanFolder) throws(FabricError) {
    let lowered = try Self.lower(folder, known: lowered)
    try change { () throws(FabricError) in try addAlone(folder, lowered) }
  }

  private func addAlone(_ folder: PlanFolder, _ lowered: LoweredNetwork) throws(FabricError) {
    try check(folder)
    let name = folder.plan.networkName
    guard !state.models.contains(where: { $0.name == name }) else {
      throw FabricError(
        .badInput, "the fabric \(names.fabric) has a network \(name) already",
        remedy: "`medulla fabric update PLAN` replaces it")
    }
    let taken = Set(state.models.map(\.number))
    guard let number = (0..<Int(FABRIC_PROBE_MODEL)).first(where: { !taken.contains($0) }) else {
      throw FabricError(
        .doesNotFit, "the fabric \(names.fabric) has \(taken.count) networks, the most it takes")
    }
    try install(folder, lowered, FabricState.Model(name: name, number: number, epoch: 0, plan: ""))
  }

  /// Replaces a network by another version of it, or by the same one placed otherwise.
  ///
  /// - Parameter drain: how long inferences of the version before may still take.
  /// - Throws: `badInput` where it is not there; then, and when it does not fit, all is as it was.
  package func update(
    _ folder: PlanFolder, drain: Duration = RunningFabric.standardDrain
  ) throws(FabricError) {
    let before = try advance(folder, drain: drain)
    wait(drain)
    refuse([before])
    wait(Self.grace)
    try forget([before])
  }

  /// Puts another version of a network beside the one that is there, which clients leave from now on.
  ///
  /// - Parameters:
  ///   - expected: the epoch that it is to follow; nil: any.
  ///   - drain: how long the version before stays.
  /// - Returns: the version before, which goes by `refuse` and `forget`.
  /// - Throws: `badInput` where another epoch is there than expected.
  package func advance(
    _ folder: PlanFolder, from expected: Int? = nil, drain: Duration = .zero
  ) throws(FabricError) -> FabricState.Model {
    let lowered = try Self.lower(folder, known: lowered)
    return try change { () throws(FabricError) in
      try check(folder)
      let before = try state.requiredModel(folder.plan.networkName)
      guard expected == nil || expected == before.epoch else {
        throw FabricError(.badInput, "\(before.name) was replaced meanwhile")
      }
      var next = before
      next.epoch = (before.epoch + 1) % Int(UInt16.max)
      let place = next.epoch % Int(FABRIC_EPOCHS)
      guard
        !state.tasks.contains(where: { $0.model == next.number && $0.epoch % Int(FABRIC_EPOCHS) == place })
      else {
        throw FabricError(
          .system, "\(before.name) was replaced too often just now: former versions have not gone yet",
          remedy: "try again in a second")
      }
      try install(folder, lowered, next, after: before, drain: drain)
      return before
    }
  }

  private func check(_ folder: PlanFolder) throws(FabricError) {
    let known = Set(state.topology.switches.map(\.name))
    guard folder.plan.cells == state.cells, folder.plan.topology.client == state.topology.client,
      folder.plan.topology.switches.allSatisfy({ known.contains($0.name) })
    else {
      throw FabricError(
        .badInput, "the plan is of another topology than the fabric \(names.fabric)",
        remedy: "plan it with the topology file of the one that runs")
    }
  }

  /// Has these networks' parts at hand for when they move, which then takes copying alone, and no others.
  func prepare(_ folders: [PlanFolder]) throws(FabricError) {
    var prepared: [LoweredKey: LoweredTask] = [:]
    for folder in folders { prepared.merge(try Self.lower(folder, known: lowered).tasks) { $1 } }
    lowered = prepared
  }

  /// A network's parts as tasks; `client` is nil where all of them were known.
  typealias LoweredNetwork = (tasks: [LoweredKey: LoweredTask], client: StageLowering?)

  private static func lower(
    _ folder: PlanFolder, known: [LoweredKey: LoweredTask]
  ) throws(FabricError) -> LoweredNetwork {
    let plan = folder.plan
    let keys = plan.parts.map { LoweredKey(plan, $0) }
    let found = known.filter { keys.contains($0.key) }
    guard found.count < keys.count else { return (found, nil) }
    let lowering = try StageLowering(plan, folder.file.snapshot)
    var tasks = found
    for (place, part) in plan.parts.enumerated() where tasks[keys[place]] == nil {
      let own = plan.parts[..<place].count { $0.stage == part.stage }
      tasks[keys[place]] = try lowering.task(stage: part.stage, part: own)
    }
    return (tasks, lowering)
  }

  /// Clients go on with what they have begun, so that inputs and outputs must mean the same.
  private func check(
    _ next: ClientDescription, replaces before: ClientDescription
  ) throws(FabricError) {
    guard next.inputs == before.inputs, next.outputs == before.outputs, next.labelUnit == before.labelUnit,
      next.features.fractionBits == before.features.fractionBits,
      next.outputFractionBits == before.outputFractionBits
    else {
      throw FabricError(
        .badInput, "the network has other inputs or outputs than the \(before.name) on the fabric",
        remedy: "`medulla fabric add PLAN` puts it beside the other, under another name")
    }
  }

  /// Puts a network on the switches: all its tasks first, then the ways to them, from the last stage on, and
  /// then clients hear of it.
  private func install(
    _ folder: PlanFolder, _ lowered: LoweredNetwork, _ wanted: FabricState.Model,
    after before: FabricState.Model? = nil, drain: Duration = .zero
  ) throws(FabricError) {
    var model = wanted
    model.plan = "\(names.folder)/model\(model.number)-\(model.epoch)"
    let plan = folder.plan
    var made: [FabricState.Task] = []
    do throws(FabricError) {
      for part in plan.parts {
        let key = LoweredKey(plan, part)
        if let task = lowered.tasks[key] { made.append(try lay(task, key, model, part)) }
      }
      try write(folder, model, made, lowered.client, after: before)
    } catch {
      giveBack(made)
      throw error
    }
    publish(plan, model, made)
    state.models.removeAll { $0.number == model.number }
    state.models.append(model)
    state.tasks += made
    if let before { noteLeaving(before, drain: drain) }
    try writeState()
  }

  /// Writes what clients and later commands read of a network. Where it has only moved they are the same
  /// files but for the plan, so that nobody needs to read them again.
  ///
  /// - Parameter lowering: nil: all parts were known.
  private func write(
    _ folder: PlanFolder, _ model: FabricState.Model, _ tasks: [FabricState.Task],
    _ lowering: StageLowering?, after before: FabricState.Model?
  ) throws(FabricError) {
    if let before, Set(self.tasks(of: before).map(\.content)) == Set(tasks.map(\.content)) {
      _ = try PlanFolder.write(
        folder.plan, folder.file, to: model.plan, sharing: before.plan,
        [PlanFolder.snapshotName, ClientDescription.fileName])
      return
    }
    _ = try PlanFolder.write(folder.plan, folder.file, to: model.plan)
    let lowering =
      if let lowering { lowering } else { try StageLowering(folder.plan, folder.file.snapshot) }
    let description = ClientDescription(lowering, model, room: state.room)
    if let before { try check(description, replaces: try ClientDescription.read(before.plan)) }
    try description.write(to: model.plan)
  }

  private func lay(
    _ lowered: LoweredTask, _ key: LoweredKey, _ model: FabricState.Model, _ part: PlacedPart
  ) throws(FabricError) -> FabricState.Task {
    guard let node = switches[part.node] else {
      throw FabricError(.badInput, "there is no switch \(part.node)")
    }
    let twin = state.tasks.first { $0.node == part.node && $0.content == key.text }
    let task = try InstalledTask(lowered, room: state.room, in: node.memory, beside: twin?.installed)
    return FabricState.Task(
      node: part.node, model: model.number, epoch: model.epoch, stage: part.stage, content: key.text,
      address: task.address, ranges: task.ranges.map { [$0.lowerBound, $0.upperBound] },
      constants: task.constants.map { [$0.lowerBound, $0.upperBound] })
  }

  private func publish(_ plan: FabricPlan, _ model: FabricState.Model, _ tasks: [FabricState.Task]) {
    let ways = SwitchWays(plan, wiring)
    for label in plan.labels.reversed() {
      for (name, node) in switches {
        node.set(
          model: model.number, epoch: model.epoch, label: label.number,
          ports: ways.ports(at: name, label: label.number),
          task: tasks.first { $0.node == name && $0.stage == label.number }?.address)
      }
    }
  }

  /// Has the switches know the ways of probes.
  func publish(_ probes: LinkProbes) {
    for probe in probes.probes {
      for (place, name) in probe.path.enumerated() {
        let isEnd = place == probe.path.count - 1
        switches[name]?.set(
          model: Int(FABRIC_PROBE_MODEL), epoch: probe.epoch, label: probe.label,
          ports: probes.ports(of: probe, at: place, wiring), task: isEnd ? UInt64(FABRIC_ECHO) : nil)
      }
    }
  }

  /// Has clients be refused who ask for these epochs.
  func refuse(_ models: [FabricState.Model]) {
    for model in models {
      for node in switches.values { node.forget(model: model.number, epoch: model.epoch) }
    }
  }

  func tasks(of model: FabricState.Model) -> [FabricState.Task] {
    state.tasks.filter { $0.model == model.number && $0.epoch == model.epoch }
  }

  /// - Parameter tasks: that are not, or no more, in the state.
  func giveBack(_ tasks: [FabricState.Task]) {
    for task in tasks {
      let (own, installed) = (switches[task.node]?.memory, task.installed)
      own?.giveBack(installed.ranges)
      let isShared = state.tasks.contains { $0.node == task.node && $0.constants == task.constants }
      if !isShared { own?.giveBack(installed.constants) }
    }
  }
}

/// A part of a network's stage, wherever it is.
struct LoweredKey: Hashable {
  private let digest: String
  private let mode: FabricMode
  private let stage: Int
  private let channels: Range<Int>
  /// What goes before and behind it depends on how others are divided.
  private let divisions: [[Range<Int>]]

  init(_ plan: FabricPlan, _ part: PlacedPart) {
    digest = plan.digest
    mode = plan.mode
    stage = part.stage
    channels = part.channels
    divisions = [part.stage - 1, part.stage].map { stage in
      plan.parts.filter { $0.stage == stage }.map(\.channels)
    }
  }

  /// As the state names it.
  var text: String {
    let divided = divisions.map { $0.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",") }
    return "\(digest) \(mode.rawValue) \(stage) \(channels.lowerBound)-\(channels.upperBound) "
      + divided.joined(separator: " ")
  }
}
