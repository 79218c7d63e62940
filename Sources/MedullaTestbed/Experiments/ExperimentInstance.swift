import Foundation
import MedullaDatapath

/// A congestion control that an experiment attaches for itself, under a name that nobody else has, and takes
/// away again.
public final class ExperimentInstance {
  public let name: String
  /// As sockets select it.
  public let congestion: String
  private var isAttached = true

  /// - Parameter prefix: a few letters; the process's number follows.
  public init(
    _ prefix: String, snapshot: DatapathSnapshot, configuration: CongestionConfiguration = .init()
  ) throws {
    name = "\(prefix)\(getpid())"
    congestion = try InstanceName(name).congestion
    try CongestionControl.attach(name: name, snapshot: snapshot, configuration: configuration)
  }

  deinit { detach() }

  public func status() throws -> CongestionStatus { try CongestionControl.status(name: name) }

  /// Takes it away; safe to call twice.
  public func detach() {
    guard isAttached else { return }
    isAttached = false
    try? CongestionControl.detach(name: name)
  }
}
