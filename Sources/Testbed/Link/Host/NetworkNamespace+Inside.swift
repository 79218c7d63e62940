import CHost
import Foundation

extension NetworkNamespace {
  /// Runs `body` with the calling thread in the namespace, and brings it back.
  package func inside<Value>(_ body: () throws -> Value) throws -> Value {
    let own = medulla_current_network_namespace()
    guard own >= 0 else { throw Self.failure("find its own network namespace", -own) }
    defer { close(own) }
    let entered = medulla_enter_network_namespace(path)
    guard entered == 0 else { throw Self.failure("enter \(name)", -entered) }
    defer { _ = medulla_enter_network_namespace_of(own) }
    return try body()
  }

  /// Packets that a device has taken in.
  package func received(by device: String) throws -> UInt64 {
    let text = try inside { try String(contentsOfFile: "/proc/thread-self/net/dev", encoding: .utf8) }
    let line = text.split(separator: "\n").first { $0.contains(device + ":") }
    let numbers = line?.split(separator: ":").last?.split(separator: " ").compactMap { UInt64($0) } ?? []
    guard numbers.count > 1 else {
      throw TestbedError(.linkFailed, "\(device) tells no counts.", remedy: "Run the command again.")
    }
    return numbers[1]
  }

  private static func failure(_ what: String, _ code: Int32) -> TestbedError {
    TestbedError(
      .linkFailed, "The testbed cannot \(what): \(String(cString: strerror(code))).",
      remedy: "Run the command again; see the system's log if it comes back.")
  }
}
