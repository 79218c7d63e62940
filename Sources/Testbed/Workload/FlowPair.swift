import Foundation
import TestbedLink

/// A TCP connection over a link, of which this process has both ends. Neither blocks.
struct FlowPair {
  /// The end that asked for the connection.
  let opened: Int32
  let accepted: Int32

  private static let connectLimit = Duration.seconds(30)

  /// Connects all, and returns when each stands.
  ///
  /// - Parameters:
  ///   - opening: the congestion control of the ends that ask; nil: the system's own.
  ///   - accepting: that of the others.
  ///   - prepare: what each needs before anything is sent.
  static func connect(
    _ count: Int, from end: LinkEnd, port: UInt16, opening: String? = nil, accepting: String? = nil,
    over link: LinkEmulator, preparing prepare: (FlowPair) throws -> Void = { _ in }
  ) throws -> [FlowPair] {
    let listener = try NamespaceSocket.tcpListener(
      in: end.other.namespace(of: link), end.other.address, port: port, congestion: accepting)
    defer { Glibc.close(listener) }
    var opened: [Int32] = []
    var accepted: [Int32] = []
    do {
      try NamespaceSocket.within(end.namespace(of: link)) {
        for _ in 0..<count {
          opened.append(
            try NamespaceSocket.tcpClient(end.other.address, port: port, congestion: opening))
          // The listener's backlog is bounded; taking connections in between keeps it short.
          accepted += NamespaceSocket.accept(listener)
        }
      }
      let deadline = ContinuousClock.now + connectLimit
      while accepted.count < count {
        guard ContinuousClock.now < deadline else {
          throw TestbedError(
            .timedOut, "Only \(accepted.count) of \(count) flows could connect.",
            remedy: "Use fewer flows, or a faster link.")
        }
        accepted += NamespaceSocket.accept(listener)
        try Interruption.sleep(.milliseconds(5))
      }
      let pairs = try pair(opened, accepted)
      try pairs.forEach(prepare)
      return pairs
    } catch {
      for descriptor in opened + accepted { Glibc.close(descriptor) }
      throw error
    }
  }

  func close() {
    Glibc.close(opened)
    Glibc.close(accepted)
  }

  /// Connections are taken in another order than they were asked for; the port of one end tells.
  private static func pair(_ opened: [Int32], _ accepted: [Int32]) throws -> [FlowPair] {
    let peers = Dictionary(accepted.map { (NamespaceSocket.port(ofPeer: $0), $0) }) { first, _ in first }
    return try opened.map { descriptor in
      guard let port = NamespaceSocket.port(of: descriptor), let peer = peers[port] else {
        throw TestbedError(
          .linkFailed, "A connection came from somewhere else.", remedy: "Run the command again.")
      }
      return FlowPair(opened: descriptor, accepted: peer)
    }
  }
}
