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

  private static func failure(_ what: String, _ code: Int32) -> TestbedError {
    TestbedError(
      .linkFailed, "The testbed cannot \(what): \(String(cString: strerror(code))).",
      remedy: "Run the command again; see the system's log if it comes back.")
  }
}
