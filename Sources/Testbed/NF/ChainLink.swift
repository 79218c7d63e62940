import Foundation
import MedullaNF
import TestbedLink

/// A client's namespace and one where a chain runs, joined by a wire; where there is a server too, it is a
/// third one behind it, and the chain's namespace is a bridge between the two. Everything is removed by
/// `remove`.
package final class ChainLink: Sendable {
  /// Of the chain's namespace, towards the client and the server.
  package static let interface = "nf-in"
  package static let output = "nf-out"
  /// The program that sets what a device does by itself.
  package static let ethtool = "ethtool"
  /// Of the namespaces at the ends.
  static let device = "nf-end"
  package static let client = "10.77.0.1"
  /// The server's, else the chain's own.
  package static let server = "10.77.0.2"

  /// Where objects and streams go.
  static let port = 7_000

  /// Datagrams of objects.
  static var objectRule: DemultiplexerRule {
    var rule = DemultiplexerRule(function: nil)
    rule.ipProtocol = 17
    rule.destinationPorts = port...port
    return rule
  }

  package let sender: NetworkNamespace
  package let chain: NetworkNamespace
  private let behind: NetworkNamespace?

  /// Where the server's address is.
  package var receiver: NetworkNamespace { behind ?? chain }

  package init(hasServer: Bool = false) throws {
    var made: [NetworkNamespace] = []
    do {
      for role in ["client", "chain"] + (hasServer ? ["server"] : []) {
        made.append(try NetworkNamespace(role: role))
        try made.last?.set(["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"])
      }
      (sender, chain) = (made[0], made[1])
      behind = hasServer ? made[2] : nil
      try Self.join(sender, chain, Self.interface)
      try Self.set(sender, Self.device, Self.client)
      if let behind {
        try Self.join(behind, chain, Self.output)
        try Self.set(behind, Self.device, Self.server)
        try Self.bridge(chain)
        for end in [sender, behind] { try Self.sumItself(end) }
      } else {
        try Self.set(chain, Self.interface, Self.server)
      }
    } catch {
      for namespace in made { namespace.remove() }
      throw error
    }
  }

  deinit { remove() }

  package func remove() {
    for namespace in [sender, chain] { namespace.remove() }
    behind?.remove()
  }

  private static func join(_ end: NetworkNamespace, _ middle: NetworkNamespace, _ name: String) throws {
    try end.configure([
      "link", "add", device, "type", "veth", "peer", "name", name, "netns", middle.name,
    ])
  }

  private static func bridge(_ namespace: NetworkNamespace) throws {
    try namespace.configure(["link", "add", "nf-bridge", "type", "bridge"])
    for device in [interface, output] {
      try namespace.configure(["link", "set", device, "master", "nf-bridge"])
      try namespace.configure(["link", "set", device, "up"])
    }
    try namespace.configure(["link", "set", "nf-bridge", "up"])
  }

  /// A pair of devices leaves checksums to whoever takes a packet off the wire, which a chain that sends
  /// frames as they are does not do.
  private static func sumItself(_ namespace: NetworkNamespace) throws {
    try ChildProcess.run(
      ["ip", "netns", "exec", namespace.name, ChainLink.ethtool, "-K", device, "tx", "off"])
  }

  private static func set(_ namespace: NetworkNamespace, _ device: String, _ address: String) throws {
    try namespace.configure(["address", "add", "\(address)/24", "dev", device])
    try namespace.configure(["link", "set", device, "up"])
  }
}
