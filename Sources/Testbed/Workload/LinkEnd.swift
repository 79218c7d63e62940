import TestbedLink

/// One of the two ends of a link.
package enum LinkEnd: String, Codable, Sendable {
  case client
  case server

  package var other: LinkEnd { self == .client ? .server : .client }

  var address: String { self == .client ? LinkEmulator.Address.client : LinkEmulator.Address.server }

  func namespace(of link: LinkEmulator) -> NetworkNamespace { self == .client ? link.client : link.server }
}
