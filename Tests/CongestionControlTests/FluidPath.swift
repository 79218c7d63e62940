import CMedullaABI

/// A flow on a path without packets: what is in flight beyond what the path holds waits, and a round trip
/// delivers a window.
final class FluidPath {
  var flow = mcc_flow()
  var config = mcc_config()
  var now: UInt64 = 1_000_000
  /// The empty path's round trip in microseconds.
  var roundTrip: Double
  /// Packets a second.
  let capacity: Double
  /// The network: from the newest latency ratio to action and verdict in their units.
  var policy: (Double) -> (action: Double, verdict: Double?)
  /// Times that steering became the start again.
  private(set) var restarts = 0
  private(set) var leastBase = UInt32.max
  private(set) var mostBase: UInt32 = 0

  init(
    roundTrip: Double, capacity: Double,
    policy: @escaping (Double) -> (action: Double, verdict: Double?) = FluidPath.givesWay
  ) {
    self.roundTrip = roundTrip
    self.capacity = capacity
    self.policy = policy
    mcc_default_config(&config)
    let rtt = UInt32(roundTrip)
    mcc_init(&flow, &config, now, rtt, rtt, 10, 1448)
  }

  /// One that keeps the queue below a quarter of a round trip.
  static func givesWay(_ latency: Double) -> (action: Double, verdict: Double?) {
    (latency > 1.25 ? -4 : 1, nil)
  }

  /// Microseconds, with the window as it is.
  var rtt: Double { max(roundTrip, Double(flow.window) / capacity * 1e6) }

  /// Round trips of ten acknowledgements each.
  func run(rounds: Int) {
    for _ in 0..<rounds {
      let (rtt, window) = (UInt32(self.rtt), flow.window)
      for step: UInt32 in 0..<10 {
        acknowledge(rtt, window * (step + 1) / 10 - window * step / 10)
      }
    }
  }

  private func acknowledge(_ rtt: UInt32, _ packets: UInt32) {
    now += UInt64(rtt / 10)
    var ack = mcc_ack()
    ack.now_us = now
    ack.rtt_us = rtt
    ack.srtt_us = rtt
    ack.delivered = packets
    ack.send_us = rtt / 10
    ack.receive_us = rtt / 10
    ack.acked = packets
    ack.packet_bytes = 1448
    let before = flow.phase
    let decides = mcc_on_ack(&flow, &config, &ack) != 0
    if before == MCC_STEER.rawValue, flow.phase == MCC_START.rawValue { restarts += 1 }
    if decides { decide() }
    leastBase = min(leastBase, flow.base_us)
    mostBase = max(mostBase, flow.base_us)
  }

  private func decide() {
    var features = [Int64](repeating: 0, count: Int(MCC_FEATURES))
    mcc_features(&flow, &features, Int32(MCC_FEATURES))
    let outputs = policy(Double(features[Int(MCC_RECENT) - 2]) / 65536)
    let verdict = outputs.verdict.map { Int64($0 * 65536) } ?? Int64(MCC_NO_VERDICT)
    mcc_act(&flow, &config, Int64(outputs.action * 65536), verdict)
  }
}
