import CMedullaABI

/// A flow under test with a clock of its own.
final class ControlledFlow {
  var flow = mcc_flow()
  var config: mcc_config
  var now: UInt64 = 1_000_000
  let minRTT: UInt32
  let packetBytes: UInt32 = 1448

  init(minRTT: UInt32 = 40_000, window: UInt32 = 10, change: (inout mcc_config) -> Void = { _ in }) {
    config = mcc_config()
    mcc_default_config(&config)
    change(&config)
    self.minRTT = minRTT
    mcc_init(&flow, &config, now, minRTT, minRTT, window, packetBytes)
  }

  var features: [Double] {
    var values = [Int64](repeating: 0, count: Int(MCC_FEATURES))
    mcc_features(&flow, &values, Int32(MCC_FEATURES))
    return values.map { Double($0) / 65536 }
  }

  /// One acknowledgement after `microseconds`.
  func acknowledge(
    after microseconds: UInt64, rtt: UInt32? = nil, acked: UInt32 = 2, lost: UInt32 = 0, marked: UInt32 = 0,
    sendTime: UInt32? = nil, appLimited: Bool = false
  ) -> Bool {
    now += microseconds
    var ack = mcc_ack()
    ack.now_us = now
    ack.rtt_us = rtt ?? minRTT
    ack.srtt_us = rtt ?? minRTT
    ack.delivered = acked
    ack.receive_us = UInt32(clamping: max(microseconds, 1))
    ack.send_us = sendTime ?? ack.receive_us
    ack.acked = acked
    ack.lost = lost
    ack.marked = marked
    ack.packet_bytes = packetBytes
    ack.app_limited = appLimited ? 1 : 0
    return mcc_on_ack(&flow, &config, &ack) != 0
  }

  /// Acknowledgements every tenth of a round trip until the network is asked or `limit` have come.
  func interval(
    rtt: UInt32? = nil, acked: UInt32 = 10, lost: UInt32 = 0, marked: UInt32 = 0, appLimited: Bool = false,
    limit: Int = 40
  ) -> Bool {
    let start = flow.interval_start_us
    for _ in 0..<limit {
      let decides = acknowledge(
        after: UInt64(max(minRTT / 10, 1)), rtt: rtt, acked: acked, lost: lost, marked: marked,
        appLimited: appLimited)
      if decides || flow.interval_start_us != start { return decides }
    }
    return false
  }

  /// Runs intervals on a path of `packets` a round trip until the network has the flow.
  func reachSteering(packets: UInt32 = 100) {
    for _ in 0..<200 where flow.phase != MCC_STEER.rawValue { _ = interval(acked: packets / 10) }
  }
}
