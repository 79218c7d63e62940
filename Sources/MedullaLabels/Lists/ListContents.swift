/// The entries of a list, for look-ups.
package enum ListContents: Sendable, Equatable {
  case addresses(PrefixTable)
  case ports(PortTable)
  case domains(Set<String>)
  case macs(Set<UInt64>, makers: Set<UInt64>)
  case devices(Set<String>)

  package var kind: ListKind {
    switch self {
    case .addresses: .addresses
    case .ports: .ports
    case .domains: .domains
    case .macs: .macs
    case .devices: .devices
    }
  }

  /// Entries that are told apart.
  package var count: Int {
    switch self {
    case .addresses(let table): table.count
    case .ports(let table): table.count
    case .domains(let names), .devices(let names): names.count
    case .macs(let addresses, let makers): addresses.count + makers.count
    }
  }

  /// The longest name of the list that a domain is, or lies below.
  package func domain(around name: String) -> String? {
    guard case .domains(let names) = self, let name = DomainName(name)?.text else { return nil }
    var rest = Substring(name)
    // As many steps as the name has parts: at most 127.
    while !rest.isEmpty {
      if names.contains(String(rest)) { return String(rest) }
      guard let point = rest.firstIndex(of: ".") else { return nil }
      rest = rest[rest.index(after: point)...]
    }
    return nil
  }

  package func has(_ address: MACAddress) -> Bool {
    guard case .macs(let addresses, let makers) = self else { return false }
    return addresses.contains(address.bytes) || makers.contains(address.maker)
  }

  package func has(device: String) -> Bool {
    guard case .devices(let names) = self else { return false }
    return names.contains(device.lowercased())
  }
}

/// Ports of both protocols, a bit each.
package struct PortTable: Sendable, Equatable {
  private static let words = 65_536 / 64
  private var tcp = [UInt64](repeating: 0, count: words)
  private var udp = [UInt64](repeating: 0, count: words)

  package init() {}

  package mutating func add(_ range: PortRange) {
    for port in range.ports {
      let bit = UInt64(1) << UInt64(port & 63)
      if range.transport != .udp { tcp[Int(port >> 6)] |= bit }
      if range.transport != .tcp { udp[Int(port >> 6)] |= bit }
    }
  }

  /// Ports, those of both protocols once for each.
  package var count: Int { (tcp + udp).reduce(0) { $0 + $1.nonzeroBitCount } }

  /// - Parameter transport: IP's number; only TCP and UDP have ports here.
  package func has(_ port: UInt16, transport: UInt8) -> Bool {
    let bit = UInt64(1) << UInt64(port & 63)
    switch transport {
    case 6: return tcp[Int(port >> 6)] & bit != 0
    case 17: return udp[Int(port >> 6)] & bit != 0
    default: return false
    }
  }
}
