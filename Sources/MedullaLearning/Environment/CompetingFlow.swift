import CMedullaABI

/// How the flows that are not the agent's steer: by a rule of delay, gentle enough to share with anything.
///
/// Grow while the round-trip time is near the path's own and what is sent arrives, else give way. Features
/// are the newest interval's of `MCC_RECENT` (latency inflation, latency ratio, send ratio; q16).
enum CompetingFlow {
  static func action(_ features: UnsafePointer<Int64>) -> SteeringOutputs {
    let last = Int(MCC_RECENT) - 3
    let latency = AuroraObservation.clipped(features[last + 1], at: last + 1)
    let sent = AuroraObservation.clipped(features[last + 2], at: last + 2)
    let action: Float = sent > 1.1 || latency > 1.5 ? -2 : latency > 1.15 ? -0.5 : 1
    return SteeringOutputs(action: Int64(action * 65536))
  }
}
