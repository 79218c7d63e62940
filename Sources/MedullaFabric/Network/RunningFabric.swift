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
  /// Of a processor for a task: lists of a window's inputs, and a payload that waits.
  private static let scratchBytes = 512 << 10
  /// Tasks that a switch has at once, by far, and what each takes beside slots.
  private static let tasks = 64
  private static let taskBytes = 64 << 10

  package let names: FabricNames
  package var state: FabricState
  /// The file of the state as it was read or written last.
  var stateSeen: FileStamp?
  /// Of versions that this process replaces.
  package var overdue = RunningFabric.standardOverdue
  /// How long it waits for others that change the fabric.
  var lockPatience = FileLock.patience
  let wiring: FabricWiring
  package private(set) var switches: [String: FabricSwitch] = [:]
  /// Of switches in user space, in the process that started them.
  private var server: UserspaceServer?
  /// Parts that were lowered before, for when they move.
  var lowered: [LoweredKey: LoweredTask] = [:]

  /// Makes namespaces, wires and switches, and puts a network on them.
  ///
  /// - Throws: `badName` where one of the name runs, `system` where the kernel or `ip` refuses; nothing is
  ///   left of it then.
  package static func up(
    _ folder: PlanFolder, _ names: FabricNames, room: InstalledTask.Room,
    datapath: FabricDatapath = .kernel
  ) throws(FabricError) -> RunningFabric {
    guard geteuid() == 0 else {
      throw FabricError(
        .system, "a fabric's switches are namespaces with wires between them, which need root",
        remedy: "run the command with sudo")
    }
    try demandArenas(datapath)
    try claim(names)
    let plan = folder.plan
    let fabric = RunningFabric(
      FabricState(
        fabric: names.fabric, datapath: datapath, topology: plan.topology, cells: plan.cells, room: room),
      names)
    do throws(FabricError) {
      try fabric.build()
      try fabric.add(folder)
    } catch {
      fabric.stopServing()
      try? Self.remove(names, fabric.wiring.namespaces)
      throw error
    }
    return fabric
  }

  /// Makes the fabric's folder, which one alone can do.
  private static func claim(_ names: FabricNames) throws(FabricError) {
    try? FileManager.default.createDirectory(
      atPath: FabricNames.runFolder, withIntermediateDirectories: true)
    guard mkdir(names.folder, 0o755) != 0 else { return }
    guard errno == EEXIST else {
      throw FabricError(KernelError.system("make \(names.folder)"))
    }
    throw FabricError(
      .badName, "there is a fabric \(names.fabric) already",
      remedy: "`medulla fabric down --name \(names.fabric)` ends it, or give another --name")
  }

  private static func demandArenas(_ datapath: FabricDatapath) throws(FabricError) {
    guard datapath == .kernel, let running = KernelVersion.running, running < .oldestForFabrics else {
      return
    }
    throw FabricError(
      .system,
      "switches in the kernel need Linux \(KernelVersion.oldestForFabrics) or newer, this is \(running)",
      remedy: "`--datapath userspace` has the same switches in a process, on any kernel")
  }

  private init(_ state: FabricState, _ names: FabricNames) {
    self.names = names
    self.state = state
    wiring = FabricWiring(state.topology, names)
  }

  /// A fabric that runs, to change what is on it.
  ///
  /// - Throws: `notRunning` when there is none.
  package static func open(_ names: FabricNames) throws(FabricError) -> RunningFabric {
    let stamp = FileStamp(FabricState.path(names))
    let fabric = RunningFabric(try FabricState.read(names), names)
    try fabric.state.demandService(names)
    fabric.stateSeen = stamp
    for (number, node) in fabric.state.topology.switches.enumerated() {
      fabric.switches[node.name] = try fabric.state.open(node.name, number, names)
    }
    fabric.keepTasks()
    return fabric
  }

  private func build() throws(FabricError) {
    try Self.ip([], wiring.commands)
    for namespace in wiring.namespaces {
      try onKernel { () throws(KernelError) in
        try NetworkNamespaces.inside(FabricNames.path(ofNamespace: namespace)) { Self.quieten() }
      }
      try Self.ip(["-n", namespace], wiring.commands(inside: namespace))
    }
    switch state.datapath {
    case .kernel: try buildInKernel()
    case .userspace: try buildInUserspace()
    }
  }

  /// Why a switch in user space has ended by itself; nil: none has.
  package var failure: FabricError? { server?.failure }

  /// Whether the switches in user space that this process has are still those of the fabric's name.
  package var isServing: Bool { server?.isCurrent == true }

  /// Ends switches that this process has in user space.
  package func stopServing() {
    server?.stop()
    server = nil
  }

  private func buildInUserspace() throws(FabricError) {
    do {
      try FileManager.default.createDirectory(atPath: names.memories, withIntermediateDirectories: true)
    } catch {
      throw FabricError(.system, "\(names.memories) cannot be made", cause: error.localizedDescription)
    }
    for (number, node) in wiring.topology.switches.enumerated() {
      let made = try onKernel { () throws(KernelError) in
        try UserspaceSwitch(
          making: names.memory(of: node.name), number: number, memoryBytes: memoryBytes(node))
      }
      for port in wiring.ports[node.name] ?? [] where port.neighbour == nil {
        made.header.pointee.client_ports |= 1 << UInt64(port.number)
      }
      switches[node.name] = made
    }
    server = try UserspaceServer(self)
  }

  private func buildInKernel() throws(FabricError) {
    var made: [String: KernelSwitch] = [:]
    let object = try onKernel { () throws(KernelError) in
      try BPFFileSystem.ensureMounted()
      try BPFFileSystem.makeDirectory(names.pins)
      return try SwitchObject.compile(cells: state.cells)
    }
    for (number, node) in wiring.topology.switches.enumerated() {
      let each = try onKernel { () throws(KernelError) in
        let each = try KernelSwitch(
          loading: object, name: node.name, number: number,
          memoryBytes: memoryBytes(node),
          at: names.pins(of: node.name))
        try NetworkNamespaces.inside(FabricNames.path(ofNamespace: names.namespace(node.name))) {
          () throws(KernelError) in try attach(each, node)
        }
        return each
      }
      made[node.name] = each
      switches[node.name] = each
    }
    guard let first = made[wiring.topology.client] else { return }
    try onKernel { () throws(KernelError) in
      try NetworkNamespaces.inside(FabricNames.path(ofNamespace: names.clientNamespace)) {
        () throws(KernelError) in try first.attachEnd(try Self.index(of: FabricNames.clientInterface))
      }
    }
  }

  /// A plan counts what one client's inferences take, and no bookkeeping. Pages that nobody uses cost
  /// nothing.
  private func memoryBytes(_ node: FabricTopology.Switch) -> Int {
    let slots = state.room.slots * state.room.clients
    let processors = state.room.processors * Self.scratchBytes
    let bookkeeping = Self.tasks * (slots * MemoryLayout<fabric_slot>.stride + Self.taskBytes + processors)
    return min(
      Self.memoryFactor * node.memoryBytes * state.room.clients + bookkeeping, FabricSwitch.largestMemory)
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

  /// Has every switch lose that part of the cells that come from others, for tests.
  package func lose(millionths: UInt64) {
    for node in switches.values { node.header.pointee.loss = millionths }
  }

  /// Has a switch do nothing any more, or work again, for tests.
  package func setDown(_ name: String, _ isDown: Bool) {
    switches[name]?.header.pointee.is_down = isDown ? 1 : 0
  }

  /// Ends a fabric and removes all that it has: also what a run that was killed has left.
  package static func down(_ names: FabricNames) throws(FabricError) {
    let spaces = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
    let fabrics = (try? FileManager.default.contentsOfDirectory(atPath: FabricNames.runFolder)) ?? []
    let own = names.namespaces(among: spaces, beside: fabrics)
    guard !own.isEmpty || FileManager.default.fileExists(atPath: names.folder) else {
      throw FabricError(.notRunning, "there is no fabric \(names.fabric)", remedy: "")
    }
    // Who changes it now shall not find it gone in the midst; who was killed holds nothing.
    let lock = try? FileLock(path: names.changeLock)
    defer { withExtendedLifetime(lock) {} }
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
    for folder in [names.memories, names.folder] { try? FileManager.default.removeItem(atPath: folder) }
    rmdir(FabricNames.memoryFolder)
  }
}

extension StageLowering {
  /// A plan's stages with the parts that it has.
  package init(_ plan: FabricPlan, _ snapshot: Snapshot) throws(FabricError) {
    try self.init(
      snapshot, plan.stages,
      parts: plan.stages.indices.map { stage in
        plan.parts.filter { $0.stage == stage }.map(\.channels)
      }, cells: plan.cells, mode: plan.mode)
  }
}
