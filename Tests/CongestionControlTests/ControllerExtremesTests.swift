import CMedullaABI
import Testing

@Suite("Congestion controller at its limits")
struct ControllerExtremesTests {
  /// Rates in bytes a second with round trips in microseconds.
  static let corners: [(UInt64, UInt32)] = [
    (125, 1), (125, 60_000_000), (15_000, 4_000_000_000), (12_500_000_000, 1), (12_500_000_000, 60_000_000),
    (12_500_000_000, 4_000_000_000), (1_250_000, 100_000),
  ]

  @Test("rate and window stay within their bounds from 1 kb/s to 100 Gb/s", arguments: corners)
  func bounds(rate: UInt64, rtt: UInt32) {
    for packet: UInt32 in [1, 536, 1448, 65535] {
      for action: Int64 in [.min / 2, -655_360, 0, 655_360, .max / 2] {
        var config = mcc_config()
        mcc_default_config(&config)
        config.rate_min = 125
        var flow = mcc_flow()
        mcc_init(&flow, &config, 0, rtt, rtt, 10, packet)
        flow.phase = MCC_STEER.rawValue
        flow.delivery_rate = rate
        mcc_set_rate(&flow, &config, rate)
        let before = flow.rate
        mcc_act(&flow, &config, action, Int64(MCC_NO_VERDICT))
        #expect(flow.rate >= 125 && flow.rate <= 12_500_000_000)
        #expect(flow.window >= 2 && flow.window <= UInt32(MCC_WINDOW_MAX))
        if action < -1000 { #expect(flow.rate <= before) }
        if action >= 0 { #expect(flow.rate >= before) }
        let product = Double(flow.rate) * Double(mcc_base_rtt(&flow, &config)) / 1e6 / Double(packet)
        let expected = min(max(product, 4), Double(MCC_WINDOW_MAX))
        // A look at the empty path may have begun; it takes at most half of an idle path's window.
        #expect(Double(flow.window) >= expected / 2 - 1 && Double(flow.window) <= expected + 1)
      }
    }
  }

  @Test("any acknowledgements leave the state within its bounds", arguments: UInt64(1)...20)
  func anyAcknowledgements(seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15
    func random() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    func number() -> UInt32 {
      let shift = UInt32(random() % 33)
      return shift == 32 ? 0 : UInt32(truncatingIfNeeded: random()) >> shift
    }
    var config = mcc_config()
    mcc_default_config(&config)
    var flow = mcc_flow()
    var now: UInt64 = 0
    mcc_init(&flow, &config, now, number(), number(), number(), number())
    for step in 0..<20_000 {
      now += UInt64(number() >> 8)
      var ack = mcc_ack()
      ack.now_us = now
      ack.rtt_us = number()
      ack.srtt_us = number()
      ack.delivered = number()
      ack.send_us = number()
      ack.receive_us = number()
      ack.acked = number() >> 8
      ack.lost = number() >> 10
      ack.marked = number() >> 12
      ack.packet_bytes = number() >> 16
      ack.app_limited = UInt32(random() & 1)
      if mcc_on_ack(&flow, &config, &ack) != 0 {
        mcc_act(&flow, &config, Int64(bitPattern: random()) >> 1, Int64(MCC_NO_VERDICT))
      }
      if random() % 200 == 0 { mcc_on_timeout(&flow, &config, now, number()) }
      if random() % 200 == 0 { mcc_on_restart(&flow, &config, now, number(), UInt64(number())) }
      let isBounded =
        flow.rate >= config.rate_min && flow.rate <= config.rate_max && flow.window >= 2
        && flow.window <= UInt32(MCC_WINDOW_MAX) && flow.phase <= MCC_GUARD.rawValue
      #expect(isBounded, "seed \(seed), step \(step): rate \(flow.rate), window \(flow.window)")
      guard isBounded else { return }
      var features = [Int64](repeating: 0, count: Int(MCC_FEATURES))
      mcc_features(&flow, &features, Int32(MCC_FEATURES))
      for index in stride(from: 0, to: 30, by: 3) {
        let inRange =
          features[index] >= -65536 && features[index] <= 655_360 && features[index + 1] >= 65536
          && features[index + 1] <= 655_360_000 && features[index + 2] >= 0
          && features[index + 2] <= 65_536_000
        #expect(inRange, "seed \(seed), step \(step), interval \(index / 3)")
        guard inRange else { return }
      }
    }
  }

  @Test("the integer square root is exact below, at and above each square")
  func squareRoot() {
    for root: UInt32 in [0, 1, 2, 3, 15, 16, 255, 256, 4095, 65534, 65535] {
      let square = root * root
      #expect(mcc_square_root(square) == root)
      if square > 0 { #expect(mcc_square_root(square - 1) == root - 1) }
      #expect(mcc_square_root(square + 2 * root) == root)
    }
    #expect(mcc_square_root(.max) == 65535)
  }
}
