extension AuroraEvaluation.Case {
  /// The links that the shipped network is judged by: four rates, three round trips, two buffers; then random
  /// loss, and two and four flows of which the later ones come late. Hosts stall for up to `stall` seconds.
  package static func standard(seed: UInt64 = 1, stall: Double = 0.001) -> [AuroraEvaluation.Case] {
    var cases: [AuroraEvaluation.Case] = []
    for rate in [12e6, 48e6, 100e6, 400e6] {
      for roundTrip in [0.01, 0.04, 0.1] {
        for buffer in [1.0, 4.0] { cases.append(make(rate, roundTrip, buffer: buffer)) }
      }
    }
    for rate in [12e6, 48e6, 100e6, 400e6] {
      for roundTrip in [0.01, 0.04, 0.1] { cases.append(make(rate, roundTrip, loss: 0.01)) }
    }
    for flows in [2, 4] {
      for rate in [12e6, 48e6, 100e6, 400e6] {
        for roundTrip in [0.01, 0.04, 0.1] { cases.append(make(rate, roundTrip, flows: flows)) }
      }
    }
    return cases.enumerated().map { index, item in
      var item = item
      item.link.seed = seed &+ UInt64(index)
      item.link.stallLongest = stall
      return item
    }
  }

  /// Hosts are as noisy as a small virtual machine.
  package static func make(
    _ rate: Double, _ roundTrip: Double, buffer: Double = 1, loss: Double = 0, flows: Int = 1
  ) -> AuroraEvaluation.Case {
    let packets = AuroraScenario.product(rate: rate, roundTrip: roundTrip)
    var link = LinkScenario(
      rate: rate, bufferBytes: Int(max(packets * buffer, 4) * 1500), loss: loss,
      flows: (0..<flows).map { .init(start: Double($0), roundTrip: roundTrip) })
    link.acknowledgedTogether = 4
    link.jitter = 50e-6
    link.stallEvery = 0.2
    link.stallLongest = 0.001
    var name = "\(Int(rate / 1e6)) Mb/s, \(Int(roundTrip * 1000)) ms, \(Int(buffer)) BDP"
    if loss > 0 { name += ", \(loss * 100)% loss" }
    if flows > 1 { name += ", \(flows) flows" }
    return AuroraEvaluation.Case(name: name, link: link, warmUp: flows > 1 ? 12 : 5, measured: 15)
  }
}
