import MedullaBase

/// What `ip` and `tc` are told to make a fabric; nothing here touches the system.
struct FabricCommands {
  let plan: FabricPlan

  /// A host's only device, and a router's by what is behind it.
  static let uplink = "uplink"
  static func device(toHost host: Int) -> String { "host\(host)" }
  static func device(toLeaf leaf: Int) -> String { "leaf\(leaf)" }
  static func device(toSpine spine: Int) -> String { "spine\(spine)" }

  /// The wires, as pairs of devices.
  func wires(_ name: (FabricNode) -> String) -> [String] {
    var lines: [String] = []
    func wire(_ one: FabricNode, _ device: String, _ other: FabricNode, _ otherDevice: String) {
      let (near, far) = plan.hasSegments ? (Self.lower, Self.upper) : ("", "")
      lines.append(
        "link add \(device) netns \(name(one)) \(near) type veth peer name \(otherDevice) netns "
          + "\(name(other)) \(far)")
    }
    for host in 0..<plan.hosts {
      wire(.host(host), Self.uplink, .leaf(plan.leaf(ofHost: host)), Self.device(toHost: host))
    }
    for leaf in 0..<plan.leaves {
      for spine in 0..<plan.spines {
        wire(.leaf(leaf), Self.device(toSpine: spine), .spine(spine), Self.device(toLeaf: leaf))
      }
    }
    guard plan.hasSegments else { return lines }
    return lines
      + (0..<plan.hosts).map {
        "link add \(Self.hook) netns \(name(.host($0))) type veth peer name \(Self.hookEnd) netns "
          + "\(name(.host($0)))"
      }
  }

  func devices(_ node: FabricNode) -> [String] {
    switch node {
    case .host: [Self.uplink]
    case .leaf(let leaf):
      (0..<plan.hosts).filter { plan.leaf(ofHost: $0) == leaf }.map(Self.device(toHost:))
        + (0..<plan.spines).map(Self.device(toSpine:))
    case .spine: (0..<plan.leaves).map(Self.device(toLeaf:))
    }
  }

  /// Devices up, addresses and routes.
  func network(_ node: FabricNode) -> [String] {
    // A super-segment would stand before a short flow for as long as ten packets.
    let up = devices(node).map { "link set \($0) gso_max_segs 1 gso_max_size 1514 up" }
    switch node {
    case .host(let host):
      let addresses = FabricAddress.all(plan).map { "address add \($0.text(host, plan))/32 dev lo" }
      let router = FabricAddress.router(leaf: plan.leaf(ofHost: host))
      let own = FabricAddress.client.text(host, plan)
      return up + addresses + ["route add default via \(router) dev \(Self.uplink) onlink src \(own)"]
        + segmentsOf(host: host)
    case .leaf(let leaf):
      return up + ["address add \(FabricAddress.router(leaf: leaf))/32 dev lo"] + leafRoutes(leaf)
        + segmentRoutes()
    case .spine(let spine):
      return up + ["address add \(FabricAddress.router(spine: spine))/32 dev lo"] + spineRoutes()
        + segments(ofSpine: spine)
    }
  }

  private func leafRoutes(_ leaf: Int) -> [String] {
    let own = (0..<plan.hosts).filter { plan.leaf(ofHost: $0) == leaf }.flatMap { host in
      FabricAddress.all(plan).map { "route add \($0.text(host, plan))/32 dev \(Self.device(toHost: host))" }
    }
    func hop(_ spine: Int) -> String {
      "via \(FabricAddress.router(spine: spine)) dev \(Self.device(toSpine: spine)) onlink"
    }
    let others = (0..<plan.leaves).filter { $0 != leaf }.flatMap { other in
      FabricAddress.all(plan).map { address in
        let network = address.network(ofLeaf: other)
        if case .via(let spine) = address { return "route add \(network) \(hop(spine))" }
        let hops = (0..<plan.spines).map { "nexthop \(hop($0))" }
        return "route add \(network) \(hops.joined(separator: " "))"
      }
    }
    return own + others
  }

  /// A spine has the routes of all addresses: which ones come to it the leaves decide.
  private func spineRoutes() -> [String] {
    (0..<plan.leaves).flatMap { leaf in
      FabricAddress.all(plan).map {
        "route replace \($0.network(ofLeaf: leaf)) via \(FabricAddress.router(leaf: leaf)) dev "
          + "\(Self.device(toLeaf: leaf)) onlink"
      }
    }
  }

  /// A spine without power: its devices' other ends lose their carrier.
  func killing(spine: Int) -> [String] { devices(.spine(spine)).map { "link set \($0) down" } }

  /// The routes went with the devices.
  func restoring(spine: Int) -> [String] {
    devices(.spine(spine)).map { "link set \($0) up" } + spineRoutes() + segments(ofSpine: spine)
  }

  func parameters(_ node: FabricNode) -> [String] {
    let all =
      ["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"]
      + (plan.hasSegments ? segmentParameters(node) : ["net.ipv6.conf.all.disable_ipv6=1"])
    guard case .host = node else {
      return all + [
        "net.ipv4.ip_forward=1", "net.ipv4.fib_multipath_hash_policy=1",
        "net.ipv4.conf.all.ignore_routes_with_linkdown=1",
        "net.ipv4.conf.default.ignore_routes_with_linkdown=1",
      ]
    }
    return all + [
      "net.ipv4.tcp_no_metrics_save=1", "net.ipv4.tcp_rto_min_us=\(plan.retransmitMilliseconds * 1000)",
      "net.ipv4.tcp_autocorking=0", "net.ipv4.ip_local_port_range=10000 64999",
    ]
  }
}

extension FabricCommands {
  /// The class under which those of the bands are.
  private static let root = "1:fff"
  private static let packetBytes = 1_514

  /// The rate of each port of a node, and its classes.
  func ports(_ node: FabricNode) -> [String] {
    devices(node).flatMap { device in
      if case .spine(let spine) = node { return port(device, mbps: plan.mbps(ofSpine: spine)) }
      let spine = (0..<plan.spines).first { Self.device(toSpine: $0) == device }
      return port(device, mbps: spine.map(plan.mbps(ofSpine:)) ?? plan.hostMbps)
    }
  }

  /// HTB lets the first band borrow first: with hardly any rate of their own, the classes are bands of
  /// nearly strict priority, and the last one still never starves. What has no code point of a band, such as
  /// a handshake and ARP, is of the first.
  private func port(_ device: String, mbps: Double) -> [String] {
    let rate = "\(Int(mbps * 1e6))bit"
    let bands = max(plan.marks.count, 1)
    let least = bands == 1 ? rate : "\(max(Int(mbps * 1e6) / 100, 8_000))bit"
    let burst = "quantum \(Self.packetBytes) burst \(4 * Self.packetBytes) cburst \(4 * Self.packetBytes)"
    var lines = [
      "qdisc add dev \(device) root handle 1: htb default 1",
      "class add dev \(device) parent 1: classid \(Self.root) htb rate \(rate) ceil \(rate) \(burst)",
    ]
    for band in 0..<bands {
      let minor = band + 1
      lines += [
        "class add dev \(device) parent \(Self.root) classid 1:\(minor) htb rate \(least) ceil \(rate) "
          + "prio \(min(band, 7)) \(burst)",
        "qdisc add dev \(device) parent 1:\(minor) handle \(minor + 1): bfifo limit \(plan.queueBytes)",
      ]
    }
    return lines
      + plan.marks.enumerated().map { band, mark in
        "filter add dev \(device) parent 1: protocol ip prio 1 u32 match ip dsfield "
          + "0x\(String(mark << 2, radix: 16)) 0xfc flowid 1:\(band + 1)"
      }
  }
}

/// A host or a router of a fabric.
enum FabricNode: Hashable {
  case host(Int)
  case leaf(Int)
  case spine(Int)

  var role: String {
    switch self {
    case .host(let number): "host\(number)"
    case .leaf(let number): "leaf\(number)"
    case .spine(let number): "spine\(number)"
    }
  }

  static func all(_ plan: FabricPlan) -> [FabricNode] {
    (0..<plan.leaves).map { .leaf($0) } + (0..<plan.spines).map { .spine($0) }
      + (0..<plan.hosts).map { .host($0) }
  }
}
