import CWire
import Foundation
import Glibc

/// A namespace with two interfaces that are one wire: frames that are sent at `sender` come in at `receiver`,
/// on the processor that sends them. Removed with its last owner.
package final class VethPair: Sendable {
  package static let sender = "med-tx"
  package static let receiver = "med-rx"
  private let loopback: SlowLoopback
  package var name: String { loopback.name }

  package init() throws {
    loopback = try SlowLoopback()
    try SlowLoopback.run([
      "ip", "-n", loopback.name, "link", "add", Self.sender, "type", "veth", "peer", "name", Self.receiver,
    ])
    for device in [Self.sender, Self.receiver] {
      try SlowLoopback.run(["ip", "-n", loopback.name, "link", "set", device, "up"])
      // Nothing but what a test sends.
      _ = try loopback.output(["sysctl", "-qw", "net.ipv6.conf.\(device).disable_ipv6=1"])
    }
  }

  package func inside<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    try loopback.inside(body)
  }

  package func output(_ arguments: [String]) throws -> String { try loopback.output(arguments) }

  /// Sends frames from one processor; `frame` gives the n-th.
  ///
  /// - Parameters:
  ///   - device: at which end they go in.
  ///   - most: how often each is tried, while the interface does not take it.
  /// - Returns: how many the interface took.
  package func send(
    _ count: Int, on processor: Int, at device: String = VethPair.sender, tries most: Int = 1_000,
    frame: @escaping @Sendable (Int) -> [UInt8]
  ) throws -> Int {
    try inside {
      let status = wire_run_on(Int32(processor))
      guard status == 0 else {
        throw SlowLoopback.Failure(description: "no processor \(processor): \(-status)")
      }
      let descriptor = wire_open(device, 0)
      guard descriptor >= 0 else {
        throw SlowLoopback.Failure(description: "no frames can be sent: \(-descriptor)")
      }
      defer { close(descriptor) }
      var sent = 0
      for number in 0..<count {
        let bytes = frame(number)
        // The wire is full for a moment.
        var tries = 0
        while tries < most {
          if Glibc.send(descriptor, bytes, bytes.count, 0) == bytes.count {
            sent += 1
            break
          }
          tries += 1
          if tries < most { usleep(100) }
        }
      }
      return sent
    }
  }

  /// What comes in at the receiver from now on.
  package func listen() throws -> Listener {
    let descriptor = try inside { wire_open(Self.receiver, 1) }
    guard descriptor >= 0 else { throw SlowLoopback.Failure(description: "nobody listens: \(-descriptor)") }
    return Listener(descriptor)
  }

  package final class Listener {
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// nil: nothing came for two seconds.
    package func next() -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: 65_536)
      let count = recv(descriptor, &bytes, bytes.count, 0)
      return count > 0 ? Array(bytes.prefix(count)) : nil
    }
  }
}
