/// What a fabric of namespaces is made of: leaves, spines, hosts, and how their ports are shaped.
package struct FabricPlan: Codable, Equatable, Sendable {
  package var leaves = 2
  package var spines = 2
  package var hostsPerLeaf = 4
  /// Of the ports between hosts and leaves, each way; IP packets with their Ethernet headers.
  package var hostMbps = 50.0
  /// Of the ports between leaves and spines, each way.
  package var fabricMbps = 100.0
  /// Of each class of a port: what comes beyond it is dropped.
  package var queueBytes = 150_000
  /// The code point of each band, the first one sent first; empty: one queue for all.
  package var marks: [UInt8] = []
  /// Least time after which TCP sends again: a fabric's round trip is a part of a millisecond, and Linux's
  /// own 200 ms would be longer than most flows.
  package var retransmitMilliseconds = 10
  /// Of each spine's rate, what its links have; a spine without a share has all of it.
  package var spineShares: [Double] = []
  /// Whether spines also have segments of IPv6 (RFC 8986): a packet in a header to one of them goes over that
  /// spine, loses the header there and goes on to its own destination. Each host then has a device from which
  /// packets to other leaves only go on in such a header.
  package var hasSegments = false

  package init() {}

  package var hosts: Int { leaves * hostsPerLeaf }

  func leaf(ofHost host: Int) -> Int { host / hostsPerLeaf }

  func mbps(ofSpine spine: Int) -> Double {
    fabricMbps * (spineShares.indices.contains(spine) ? spineShares[spine] : 1)
  }

  /// - Throws: `badParameter`.
  package func validate() throws {
    guard (1...8).contains(leaves), (1...8).contains(spines), (1...32).contains(hostsPerLeaf),
      (0.1...10_000).contains(hostMbps), (0.1...10_000).contains(fabricMbps),
      (1_514...100_000_000).contains(queueBytes), marks.count <= 8, Set(marks).count == marks.count,
      marks.allSatisfy({ $0 < 64 }), (1...10_000).contains(retransmitMilliseconds),
      spineShares.count <= spines, spineShares.allSatisfy({ (0.01...1).contains($0) })
    else {
      throw TestbedError(
        .badParameter, "The plan of the fabric is out of range.",
        remedy: "Use up to 8 leaves, 8 spines, 32 hosts a leaf and 8 bands with code points of their own.")
    }
  }
}

/// Addresses of a fabric, the same in each, as each has its own namespaces.
///
/// A host has several. Packets between `client` and `service` addresses take whichever spine the leaf's
/// hash of addresses and ports gives. An address `via` a spine is routed over that spine only: who binds to
/// its own and connects to the other's chooses the path of both directions.
package enum FabricAddress: Hashable, Sendable {
  /// What connections come from, unless they are bound.
  case client
  /// Another one for servers, so that the flows of one direction are a pair of hosts of their own.
  case service
  case via(spine: Int)

  /// As text, for a host that is `host` in the fabric.
  package func text(_ host: Int, _ plan: FabricPlan) -> String {
    "10.\(network).\(plan.leaf(ofHost: host)).\(host % plan.hostsPerLeaf + 1)"
  }

  static func all(_ plan: FabricPlan) -> [FabricAddress] {
    [.client, .service] + (0..<plan.spines).map { .via(spine: $0) }
  }

  var network: Int {
    switch self {
    case .client: 80
    case .service: 79
    case .via(let spine): 81 + spine
    }
  }

  /// The network of all hosts of a leaf.
  func network(ofLeaf leaf: Int) -> String { "10.\(network).\(leaf).0/24" }

  static func router(leaf: Int) -> String { "10.95.0.\(leaf + 1)" }
  static func router(spine: Int) -> String { "10.95.1.\(spine + 1)" }
}
