/// What an instance's programs are attached to.
public enum InstanceKind: String, Sendable, Codable {
  /// TCP, as a congestion control (`CongestionControl`).
  case congestion
  /// A network interface, by a function of the user's own (`CustomFunction`).
  case custom
}
