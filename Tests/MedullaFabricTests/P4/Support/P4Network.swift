import MedullaBase
import MedullaFabric

/// A plan's switches with wires between them, in which what is on its way takes turns by chance.
struct P4Network {
  private let fabric: P4Fabric
  private var switches: [String: P4Switch] = [:]
  private let client: String
  private var waiting: [(name: String, packet: P4Switch.Packet)] = []
  private var random: SeededGenerator
  /// Frames that came out at the client's port.
  private(set) var answers: [[UInt8]] = []
  /// How often a packet came round.
  private(set) var rounds = 0
  /// That crossed each wire, in its direction: `leaf1 spine1`.
  private(set) var crossed: [String: Int] = [:]

  /// More would be a loop.
  private static let turnLimit = 1_000_000

  /// - Parameter program: in place of the fabric's own.
  init(_ fabric: P4Fabric, client: String, program: String? = nil, seed: UInt64) throws {
    self.fabric = fabric
    self.client = client
    random = SeededGenerator(seed: seed)
    let source = try P4Source(program ?? fabric.program)
    for node in fabric.switches { switches[node.name] = try P4Switch(source, commands: node.commands) }
  }

  private func port(of neighbour: String, at name: String) throws -> Int {
    let ports = fabric.switches.first { $0.name == name }?.ports
    guard let place = ports?.firstIndex(of: neighbour) else { throw P4Error("\(name) has no \(neighbour)") }
    return place + 1
  }

  mutating func send(_ frame: [UInt8]) throws {
    waiting.append((client, P4Switch.Packet(bytes: frame, port: try port(of: "client", at: client))))
  }

  /// Until nothing is on its way.
  mutating func run() throws {
    for _ in 0..<Self.turnLimit {
      guard !waiting.isEmpty else { return }
      waiting.swapAt(Int.random(in: waiting.indices, using: &random), waiting.count - 1)
      let (name, packet) = waiting.removeLast()
      guard let result = try switches[name]?.process(packet) else { throw P4Error("there is no \(name)") }
      rounds += result.rounds.count
      waiting += result.rounds.map { (name, $0) }
      for out in result.out {
        let ports = fabric.switches.first { $0.name == name }?.ports ?? []
        guard ports.indices.contains(out.port - 1) else { throw P4Error("\(name) has no port \(out.port)") }
        let neighbour = ports[out.port - 1]
        if neighbour == "client" {
          answers.append(out.bytes)
        } else {
          crossed["\(name) \(neighbour)", default: 0] += 1
          let there = try port(of: name, at: neighbour)
          waiting.append((neighbour, P4Switch.Packet(bytes: out.bytes, port: there)))
        }
      }
    }
    throw P4Error("packets go round without an end")
  }
}
