import CHost
import CMedullaFabric
import Foundation
import MedullaBase
import MedullaKernel
import MedullaSnapshot

/// Switches as network namespaces of this machine, with a network on them.
package final class RunningFabric {
  /// How long `ip` may take for all namespaces and wires.
  private static let patience = Duration.seconds(120)
  /// Memory beside a switch's tasks, for those of an update.
  private static let memoryFactor = 2

  package let names: FabricNames
  package private(set) var state: FabricState
  private let wiring: FabricWiring
  private var switches: [String: KernelSwitch] = [:]
  /// By model, then by epoch, what lies in which switch.
  private var installed: [String: [InstalledTask]] = [:]

  /// Makes namespaces, wires and switches, and puts a network on them.
  ///
  /// - Throws: `badName` where one of the name runs, `system` where the kernel or `ip` refuses; nothing is left
  ///   of it then.
  package static func up(
    _ folder: PlanFolder, _ names: FabricNames, room: InstalledTask.Room
  ) throws(FabricError) -> RunningFabric {
    guard geteuid() == 0 else {
      throw FabricError(
        .system, "a fabric's switches are namespaces and eBPF programs, which need root",
        remedy: "run the command with sudo")
    }
    guard !FileManager.default.fileExists(atPath: names.folder) else {
      throw FabricError(
        .badName, "there is a fabric \(names.fabric) already",
        remedy: "`medulla fabric down --name \(names.fabric)` ends it, or give another --name")
    }
    let fabric = RunningFabric(folder.plan.topology, names, room)
    do throws(FabricError) {
      try fabric.build(folder)
      try fabric.install(folder, name: folder.plan.networkName, number: 0, epoch: 0)
      try fabric.state.write(names)
    } catch {
      try? Self.remove(names, fabric.wiring.namespaces)
      throw error
    }
    return fabric
  }

  private init(_ topology: FabricTopology, _ names: FabricNames, _ room: InstalledTask.Room) {
    self.names = names
    wiring = FabricWiring(topology, names)
    state = FabricState(fabric: names.fabric, room: room, models: [])
  }

  private func build(_ folder: PlanFolder) throws(FabricError) {
    try Self.ip([], wiring.commands)
    for namespace in wiring.namespaces {
      try onKernel { () throws(KernelError) in
        try NetworkNamespaces.inside(FabricNames.path(ofNamespace: namespace)) { Self.quieten() }
      }
      try Self.ip(["-n", namespace], wiring.commands(inside: namespace))
    }
    let object = try onKernel { () throws(KernelError) in
      try BPFFileSystem.ensureMounted()
      try BPFFileSystem.makeDirectory(BPFFileSystem.path)
      try BPFFileSystem.makeDirectory(FabricNames.pinFolder)
      try BPFFileSystem.makeDirectory(names.pins)
      return try SwitchObject.compile(cells: folder.plan.cells)
    }
    for (number, node) in wiring.topology.switches.enumerated() {
      let made = try onKernel { () throws(KernelError) in
        let made = try KernelSwitch(
          loading: object, name: node.name, number: number,
          memoryBytes: min(Self.memoryFactor * node.memoryBytes, KernelSwitch.largestMemory),
          at: names.pins(of: node.name))
        try NetworkNamespaces.inside(FabricNames.path(ofNamespace: names.namespace(node.name))) {
          () throws(KernelError) in try attach(made, node)
        }
        return made
      }
      switches[node.name] = made
    }
    guard let first = switches[wiring.topology.client] else { return }
    try onKernel { () throws(KernelError) in
      try NetworkNamespaces.inside(FabricNames.path(ofNamespace: names.clientNamespace)) {
        () throws(KernelError) in try first.attachEnd(try Self.index(of: FabricNames.clientInterface))
      }
    }
  }

  /// No namespace says anything by itself.
  private static func quieten() {
    for kind in ["all", "default"] {
      try? "1".write(
        toFile: "/proc/sys/net/ipv6/conf/\(kind)/disable_ipv6", atomically: false, encoding: .utf8)
    }
  }

  private func attach(_ made: KernelSwitch, _ node: FabricTopology.Switch) throws(KernelError) {
    try made.attach(try Self.index(of: FabricNames.loop), as: Int(FABRIC_LOOP))
    try made.attach(try Self.index(of: FabricNames.here), as: Int(FABRIC_HERE))
    for port in wiring.ports[node.name] ?? [] {
      try made.attach(try Self.index(of: port.interface), as: port.number)
      if port.neighbour == nil { made.header.pointee.client_ports |= 1 << UInt64(port.number) }
    }
    try made.compute(on: max(node.processors, 1))
  }

  private static func index(of interface: String) throws(KernelError) -> UInt32 {
    var found = medulla_interface()
    let status = medulla_find_interface(interface, &found)
    guard status == 0 else { throw .system("find interface \(interface)", number: status) }
    return found.index
  }

  private static func ip(_ options: [String], _ commands: [String]) throws(FabricError) {
    do {
      let child = try ChildProgram(["ip"] + options + ["-batch", "-"], input: .pipe)
      guard child.send(commands.joined(separator: "\n") + "\n") else {
        throw child.failure(try child.finish(within: patience))
      }
      child.closeInput()
      let outcome = try child.finish(within: patience)
      guard outcome.status == 0 else { throw child.failure(outcome) }
    } catch {
      let reason = error as? ChildError
      throw FabricError(
        .system, "`ip` could not wire the fabric", cause: reason?.cause ?? "\(error)",
        remedy: "install iproute2; `medulla fabric down` removes what another run has left")
    }
  }

  /// Puts a network on the switches: all its tasks first, then the ways to them, from the last stage on.
  private func install(
    _ folder: PlanFolder, name: String, number: Int, epoch: Int
  ) throws(FabricError) {
    let plan = folder.plan
    let lowering = try StageLowering(plan, folder.file.snapshot)
    var tasks: [String: [Int: UInt64]] = [:]
    for (place, part) in plan.parts.enumerated() {
      guard let node = switches[part.node] else { continue }
      let own = plan.parts[..<place].count { $0.stage == part.stage }
      let task = try InstalledTask(
        try lowering.task(stage: part.stage, part: own), room: state.room, in: node.memory)
      tasks[part.node, default: [:]][part.stage] = task.address
      installed[part.node, default: []].append(task)
    }
    let ways = SwitchWays(plan, wiring)
    for label in plan.labels.reversed() {
      for (name, node) in switches {
        node.set(
          model: number, epoch: epoch, label: label.number,
          ports: ways.ports(at: name, label: label.number), task: tasks[name]?[label.number])
      }
    }
    let copy = "\(names.folder)/model\(number)-\(epoch)"
    do {
      try FileManager.default.createDirectory(atPath: names.folder, withIntermediateDirectories: true)
    } catch {
      throw FabricError(.system, "\(names.folder) cannot be made", cause: error.localizedDescription)
    }
    _ = try PlanFolder.write(plan, folder.file, to: copy)
    let model = FabricState.Model(name: name, number: number, epoch: epoch, plan: copy)
    try ClientDescription(lowering, model, room: state.room).write(to: copy)
    state.models.removeAll { $0.number == number }
    state.models.append(model)
  }

  /// Has every switch lose that part of the cells that come from others, for tests.
  package func lose(millionths: UInt64) {
    for node in switches.values { node.header.pointee.loss = millionths }
  }

  /// Ends a fabric and removes all that it has: also what a run that was killed has left.
  package static func down(_ names: FabricNames) throws(FabricError) {
    let prefix = names.namespace("")
    let spaces = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
    let own = spaces.filter { $0.hasPrefix(prefix) }
    guard !own.isEmpty || FileManager.default.fileExists(atPath: names.folder) else {
      throw FabricError(.notRunning, "there is no fabric \(names.fabric)", remedy: "")
    }
    try remove(names, own)
  }

  private static func remove(_ names: FabricNames, _ namespaces: [String]) throws(FabricError) {
    let there = namespaces.filter {
      FileManager.default.fileExists(atPath: FabricNames.path(ofNamespace: $0))
    }
    if !there.isEmpty { try ip(["-force"], there.map { "netns delete \($0)" }) }
    try onKernel { () throws(KernelError) in
      if BPFFileSystem.exists(names.pins) { try BPFFileSystem.removeTree(names.pins) }
    }
    // With the last one goes what all of them are in; what is not empty stays.
    for folder in [FabricNames.pinFolder, BPFFileSystem.path] { rmdir(folder) }
    try? FileManager.default.removeItem(atPath: names.folder)
  }
}

extension StageLowering {
  /// A plan's stages with the parts that it has.
  package init(_ plan: FabricPlan, _ snapshot: Snapshot) throws(FabricError) {
    try self.init(
      snapshot, plan.stages,
      parts: plan.stages.indices.map { stage in
        plan.parts.filter { $0.stage == stage }.map(\.channels)
      }, cells: plan.cells)
  }
}
