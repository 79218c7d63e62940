import Foundation

/// What one socket moved in its turn: payload whose bytes mean nothing, only their number does.
struct PayloadTurn {
  /// Why no more will be moved.
  enum End: Equatable {
    /// The other end has sent its last byte.
    case closed
    case failed(String)

    var reason: String {
      switch self {
      case .closed: "the other end closed"
      case .failed(let reason): reason
      }
    }
  }

  private static let chunkBytes = 65_536
  /// What one descriptor may move before the others have their turn.
  private static let chunks = 4
  private static let payload = [UInt8](repeating: 0x6d, count: chunkBytes)

  private(set) var bytes = 0
  /// nil: the connection stands.
  private(set) var end: End?

  /// Sends up to `wanted` bytes, as many as the socket takes.
  static func sending(_ wanted: Int, to descriptor: Int32) -> PayloadTurn {
    var turn = PayloadTurn()
    for _ in 0..<chunks where turn.bytes < wanted {
      let count = send(
        descriptor, payload, min(chunkBytes, wanted - turn.bytes), Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      guard turn.took(count, "send") else { break }
    }
    return turn
  }

  /// Reads what is there.
  static func receiving(from descriptor: Int32) -> PayloadTurn {
    var turn = PayloadTurn()
    withUnsafeTemporaryAllocation(byteCount: chunkBytes, alignment: 16) { chunk in
      for _ in 0..<chunks {
        let count = recv(descriptor, chunk.baseAddress, chunkBytes, Int32(MSG_DONTWAIT))
        if count == 0 { turn.end = .closed }
        guard turn.took(count, "receive") else { break }
      }
    }
    return turn
  }

  /// Whether there may be more.
  private mutating func took(_ count: Int, _ what: String) -> Bool {
    if count < 0, errno != EAGAIN, errno != EINTR { end = .failed(NamespaceSocket.text(what, errno)) }
    bytes += max(count, 0)
    return count > 0
  }
}
