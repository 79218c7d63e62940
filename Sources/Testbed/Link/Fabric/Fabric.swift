import Foundation
import MedullaBase

/// Leaves, spines and hosts as network namespaces, with the kernel's own routing between them: each leaf
/// has a route over every spine to the other leaves, and hashes addresses and ports.
///
/// It goes when the value does; what a process leaves that was killed, the next fabric or link removes.
package final class Fabric {
  package let plan: FabricPlan
  private let commands: FabricCommands
  private let nodes: [FabricNode: NetworkNamespace]
  private var dead: Set<Int> = []

  /// A host's only device.
  package static let uplink = FabricCommands.uplink
  /// Of one call of ip or tc, with all its lines.
  private static let patience = Duration.seconds(30)

  /// Makes the fabric. Needs root.
  package init(_ plan: FabricPlan = FabricPlan()) throws {
    try plan.validate()
    NetworkNamespace.removeAbandoned()
    self.plan = plan
    commands = FabricCommands(plan: plan)
    var made: [FabricNode: NetworkNamespace] = [:]
    do {
      for node in FabricNode.all(plan) { made[node] = try NetworkNamespace(role: node.role) }
      try Self.tell(["ip"], commands.wires { made[$0]?.name ?? "" })
      for (node, namespace) in made {
        try namespace.set(commands.parameters(node))
        try Self.tell(["tc", "-n", namespace.name], commands.ports(node))
      }
      // Routes need all the devices of a wire.
      for (node, namespace) in made { try Self.tell(["ip", "-n", namespace.name], commands.network(node)) }
    } catch {
      NetworkNamespace.removeWithProcesses(made.values.map(\.name))
      throw error
    }
    nodes = made
  }

  deinit { tearDown() }

  /// Makes a fabric, runs `body`, and removes the fabric whatever happens.
  package static func with<Result>(_ plan: FabricPlan, _ body: (Fabric) throws -> Result) throws -> Result {
    let fabric = try Fabric(plan)
    defer { fabric.tearDown() }
    return try body(fabric)
  }

  /// Removes all namespaces and what still runs in them; safe to call twice.
  package func tearDown() { NetworkNamespace.removeWithProcesses(nodes.values.map(\.name)) }

  package func host(_ number: Int) -> NetworkNamespace { namespace(.host(number)) }

  /// A host's address of a kind.
  package func address(_ host: Int, _ kind: FabricAddress = .client) -> String { kind.text(host, plan) }

  package var names: [String] { nodes.values.map(\.name) }

  /// A spine loses its power: what is on its way over it is lost, and the leaves send over the others as soon
  /// as they see that the carrier is gone.
  package func kill(spine: Int) throws {
    guard dead.insert(spine).inserted else { return }
    try tell(.spine(spine), commands.killing(spine: spine))
  }

  /// The spine is there again.
  package func restore(spine: Int) throws {
    guard dead.remove(spine) != nil else { return }
    try tell(.spine(spine), commands.restoring(spine: spine))
  }

  /// What a leaf's hosts send over a spine by its segment is lost from now on; nobody is told.
  package func silence(spine: Int, fromLeaf leaf: Int) throws {
    try tell(.leaf(leaf), commands.silencing(spine: spine))
  }

  /// A host's device for path selection, and the paths over the spines; of a fabric with segments.
  package static let hook = FabricCommands.hook
  package func paths(ofHost host: Int) -> String {
    (0..<plan.spines).map { spine in
      "srv6=\(FabricCommands.segment(ofSpine: spine)),from=\(FabricCommands.source(ofHost: host)),"
        + "dev=\(Self.uplink)"
    }.joined(separator: "; ")
  }

  /// Bytes that a leaf has sent to each spine, Ethernet headers included.
  package func bytesToSpines(fromLeaf leaf: Int) throws -> [Int] {
    let devices = try decode(
      [DeviceCounts].self, ["ip", "-n", namespace(.leaf(leaf)).name, "-s", "-j", "link", "show"])
    return (0..<plan.spines).map { spine in
      devices.first { $0.ifname == FabricCommands.device(toSpine: spine) }?.stats64.tx.bytes ?? 0
    }
  }

  /// Packets that found a queue full, at all ports together, since the fabric was made.
  package func droppedPackets() throws -> Int {
    try nodes.values.reduce(0) { sum, namespace in
      let queues = try decode([QueueCounts].self, ["tc", "-n", namespace.name, "-s", "-j", "qdisc", "show"])
      return sum + queues.filter { $0.kind == "bfifo" }.reduce(0) { $0 + $1.drops }
    }
  }

  private struct DeviceCounts: Decodable {
    struct Way: Decodable { let bytes: Int }
    struct Both: Decodable { let tx: Way }
    let ifname: String
    let stats64: Both
  }

  private struct QueueCounts: Decodable {
    let kind: String
    let drops: Int
  }

  private func decode<Value: Decodable>(_ type: Value.Type, _ arguments: [String]) throws -> Value {
    let outcome = try ChildProcess.run(arguments, uninterrupted: true)
    do {
      return try JSONDecoder().decode(type, from: Data(outcome.output))
    } catch {
      throw TestbedError(
        .unreadableReport, "`\(arguments.joined(separator: " "))` cannot be read: \(error).",
        remedy: "Use iproute2 5.10 or later.")
    }
  }

  private func namespace(_ node: FabricNode) -> NetworkNamespace {
    guard let namespace = nodes[node] else { preconditionFailure("the fabric has no \(node.role)") }
    return namespace
  }

  private func tell(_ node: FabricNode, _ lines: [String]) throws {
    try Self.tell(["ip", "-n", namespace(node).name], lines)
  }

  /// One call for all lines; the first that fails ends it.
  private static func tell(_ program: [String], _ lines: [String]) throws {
    let child = try ChildProcess(program + ["-batch", "-"], input: .pipe)
    child.send(lines.joined(separator: "\n") + "\n")
    child.closeInput()
    let outcome = try child.finish(within: patience)
    guard outcome.status == 0 else { throw child.failure(outcome) }
  }
}
