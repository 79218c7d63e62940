extension FabricCommands {
  /// A device of a host that leads nowhere: what goes out there goes on only in a header to a segment.
  static let hook = "hook"
  static let hookEnd = "hook-end"
  /// An IPv6 header.
  static let headerBytes = 40
  static let wholeBytes = 1_500
  /// Of a wire's two ends, the second one nearer to the spines.
  static let lower = "address 02:00:00:00:00:01"
  static let upper = "address 02:00:00:00:00:02"

  /// Who comes to it in an IPv6 header goes over that spine.
  static func segment(ofSpine spine: Int) -> String { "fd00:\(spine)::4" }
  /// From which a host's headers come.
  static func source(ofHost host: Int) -> String { "fd99::\(host + 1)" }

  private static let beyond = "fe80::2"

  private func neighbour(_ device: String) -> String {
    "neigh replace \(Self.beyond) lladdr \(Self.upper.dropFirst(8)) dev \(device) nud permanent"
  }

  func segmentsOf(host: Int) -> [String] {
    guard plan.hasSegments else { return [] }
    let hook = [Self.hookEnd, Self.hook].map {
      "link set \($0) arp off mtu \(Self.wholeBytes - Self.headerBytes) gso_max_segs 1 gso_max_size 1514 up"
    }
    let own = FabricAddress.client.text(host, plan)
    let others = (0..<plan.leaves).filter { $0 != plan.leaf(ofHost: host) }
    return hook + [
      "address add \(Self.source(ofHost: host))/128 dev lo", neighbour(Self.uplink),
      "route add fd00::/16 via \(Self.beyond) dev \(Self.uplink)",
    ]
      + others.flatMap { leaf in
        [FabricAddress.client, .service].map {
          "route add \($0.network(ofLeaf: leaf)) dev \(Self.hook) src \(own)"
        }
      }
  }

  func segmentRoutes() -> [String] {
    guard plan.hasSegments else { return [] }
    return (0..<plan.spines).flatMap { spine in
      let device = Self.device(toSpine: spine)
      return [
        neighbour(device),
        "route add \(Self.segment(ofSpine: spine))/128 via \(Self.beyond) dev \(device)",
      ]
    }
  }

  /// The header goes, and the packet where it was sent to.
  func segments(ofSpine spine: Int) -> [String] {
    guard plan.hasSegments else { return [] }
    return [
      "route replace \(Self.segment(ofSpine: spine))/128 encap seg6local action End.DX4 nh4 0.0.0.0 dev "
        + Self.device(toLeaf: 0)
    ]
  }

  /// Packets to a segment are lost at a leaf without a word.
  func silencing(spine: Int) -> [String] {
    ["route replace blackhole \(Self.segment(ofSpine: spine))/128"]
  }

  func segmentParameters(_ node: FabricNode) -> [String] {
    let names = ["all", "default"] + devices(node)
    return names.flatMap { name in
      ["forwarding=1", "seg6_enabled=1", "accept_dad=0", "accept_ra=0"].map { "net.ipv6.conf.\(name).\($0)" }
    }
  }
}
