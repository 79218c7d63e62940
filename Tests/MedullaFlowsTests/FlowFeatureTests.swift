import CMedullaABI
import MedullaBase
import PacketCases
import Testing

@testable import MedullaFlows

@Suite("features of flows")
struct FlowFeatureTests {
  @Test("each feature is declared once, with unit, formula and source")
  func declared() {
    let names = FlowFeature.all.map(\.name)
    #expect(names.count == Int(FLOW_FEATURE_COUNT.rawValue) && Set(names).count == names.count)
    for feature in FlowFeature.all {
      #expect(!feature.unit.isEmpty && !feature.formula.isEmpty && !feature.source.isEmpty, "\(feature.name)")
    }
    #expect(flow_feature_text(UInt32(FLOW_FEATURE_COUNT.rawValue)) == nil)
  }

  private func expect(_ frames: [FlowCase.Frame], _ expected: [String: UInt64]) throws {
    let meter = try FlowCase.meter(frames)
    #expect(meter.flows.count == 1)
    let features = FlowCase.features(try #require(meter.flows.first))
    for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
      #expect(features[name] == value, "\(name)")
    }
  }

  @Test("a connection's handshake, lengths, gaps, flags and rates")
  func connection() throws {
    let answer = [UInt8](repeating: 7, count: 1_000)
    try expect(
      [
        .tcp(0, 2, sequence: 10), .tcp(30, 18, back: true), .tcp(50, 16, sequence: 11),
        .tcp(60, 24, Wire.payload, sequence: 11), .tcp(160, 24, answer, back: true, sequence: 2),
        .tcp(200, 17, sequence: 43),
      ],
      [
        "protocol": 6, "version": 4, "source_port": 4_660, "destination_port": 443, "same_ends": 0,
        "duration": 200_000, "packets": 6, "packets_forward": 4, "packets_backward": 2,
        "bytes_forward": 54 + 54 + 86 + 54, "bytes_backward": 54 + 1_054, "bytes": 248 + 1_108,
        "payload_forward": 32, "payload_backward": 1_000,
        "length_forward_minimum": 54, "length_forward_mean": 62, "length_forward_maximum": 86,
        // (54, 54, 86, 54): variance 192.
        "length_forward_deviation": 13, "payload_variance": 137_253,
        "gap_forward_total": 200_000, "gap_forward_minimum": 10_000, "gap_forward_mean": 66_666,
        "gap_forward_maximum": 140_000, "gap_backward_mean": 130_000, "gap_backward_deviation": 0,
        // Gaps forward of 50, 10 and 140 ms.
        "jitter_forward": 85_000, "jitter_backward": 0,
        "packet_rate_forward": 20_000, "packet_rate": 30_000, "bit_rate_backward": 44_320,
        "payload_rate": 5_160, "down_up_ratio": 500,
        "fin_flags": 1, "syn_flags": 2, "rst_flags": 0, "psh_flags": 2, "ack_flags": 5, "urg_flags": 0,
        "pushes_forward": 1, "pushes_backward": 1, "handshake_answer": 30_000, "handshake_settled": 20_000,
        "handshake": 50_000, "headers_forward": 160, "header_forward_minimum": 40, "window_forward": 512,
        "hops_forward": 64, "data_packets_forward": 1, "repeated_forward": 0,
        "first_sequence_forward": 10, "first_sequence_backward": 1,
        "active_minimum": 200_000, "active_maximum": 200_000, "idle_maximum": 0,
        "subflow_packets_forward": 4, "subflow_bytes_backward": 1_000, "head_bytes": 32,
        "head_1": 0xabab_abab, "head_entropy": 1_000,
      ])
  }

  @Test("long gaps part active times and subflows, and the time that goes on counts too")
  func activity() throws {
    let payload = Wire.payload
    try expect(
      [
        .udp(0, payload), .udp(100, payload), .udp(6_100, payload), .udp(7_500, payload),
        .udp(20_000, payload),
        .udp(20_200, payload),
      ],
      [
        "active_minimum": 100_000, "active_maximum": 1_400_000,
        "active_mean": (100 + 1_400 + 200) * 1_000 / 3,
        "idle_minimum": 6_000_000, "idle_mean": 9_250_000, "idle_maximum": 12_500_000,
        "idle_deviation": 3_250_000,
        // Gaps of more than a second: 6, 1.4 and 12.5 s.
        "subflow_packets_forward": 1, "subflow_bytes_forward": 48,
      ])
  }

  @Test("four packets with payload in a row are a bulk, unless one of the other side comes between")
  func bulk() throws {
    let payload = [UInt8](repeating: 1, count: 100)
    try expect(
      (0..<5).map { .udp(UInt64($0) * 10, payload) } + [.udp(60, payload, back: true)]
        + (0..<4).map { .udp(100 + UInt64($0) * 20, payload) },
      [
        "bulk_packets_forward": 4, "bulk_bytes_forward": 450, "bulk_rate_forward": 9_000,
        "bulk_packets_backward": 0, "bulk_bytes_backward": 0,
      ])
    try expect(
      (0..<3).map { .udp(UInt64($0) * 10, payload) } + [.udp(5_000, payload)], ["bulk_packets_forward": 0])
  }

  @Test("a segment that was sent before is counted, one that comes late in order is not")
  func repeated() throws {
    try expect(
      [
        .tcp(0, 2, sequence: 0), .tcp(1, 16, Wire.payload, sequence: 1),
        .tcp(2, 16, Wire.payload, sequence: 33),
        .tcp(3, 16, Wire.payload, sequence: 1), .tcp(4, 16, Wire.payload, sequence: 65),
      ], ["repeated_forward": 1, "data_packets_forward": 4])
  }

  @Test("flows of the same hosts are told of those before, however these end")
  func pairs() throws {
    var frames: [FlowCase.Frame] = []
    for index in 0..<6 as Range<Int> {
      var frame = FlowCase.Frame.udp(UInt64(index) * 1_000, Wire.payload).bytes
      frame[35] = UInt8(index)
      frames += [
        .init(milliseconds: UInt64(index) * 1_000, bytes: frame),
        .init(milliseconds: UInt64(index) * 1_000 + 10, bytes: frame),
      ]
    }
    let flows = try FlowCase.meter(frames).flows.map(FlowCase.features)
    #expect(flows.count == 6)
    #expect(flows[0]["recent_bytes_1"] == 0 && flows[0]["recent_gap_1"] == 0)
    #expect(flows[2]["recent_bytes_1"] == 148 && flows[2]["recent_gap_1"] == 1_000_000)
    #expect(flows[2]["recent_gap_2"] == 2_000_000 && flows[2]["recent_bytes_3"] == 0)
    #expect(flows[5]["recent_gap_4"] == 4_000_000 && flows[5]["recent_bytes_4"] == 148)
  }

  /// What tells one flow from another.
  private struct Ends: Hashable {
    let source: UInt8
    let destination: UInt8
    let sourcePort: UInt8
    let destinationPort: UInt8
    let isTCP: Bool

    /// All that there are, 384.
    static let all: [Ends] = {
      var all: [Ends] = []
      for source in UInt8(0)..<4 {
        for destination in UInt8(0)..<4 {
          for port in UInt8(0)..<24 {
            all.append(
              Ends(
                source: source, destination: destination, sourcePort: port % 4,
                destinationPort: 4 + port / 4 % 3, isTCP: port < 12))
          }
        }
      }
      return all
    }()

    func frame(_ milliseconds: UInt64) -> FlowCase.Frame {
      let frame = isTCP ? FlowCase.Frame.tcp(0, 2) : .udp(0, Wire.payload)
      var bytes = frame.bytes
      (bytes[29], bytes[33]) = (source, destination)
      bytes.replaceSubrange(34..<38, with: [0, sourcePort, 0, destinationPort])
      return .init(milliseconds: milliseconds, bytes: bytes)
    }
  }

  @Test("a flow is told how many of the hundred flows before it, of any hosts, were alike")
  func alike() throws {
    var generator = SeededGenerator(seed: 5)
    let ends = Ends.all.shuffled(using: &generator)
    let flows = try FlowCase.meter(ends.enumerated().map { $1.frame(UInt64($0)) }).flows
      .map(FlowCase.features)
    try #require(flows.count == ends.count)
    for (index, own) in ends.enumerated() {
      let before = ends[max(0, index - 100)..<index]
      func expect(_ name: String, _ isAlike: (Ends) -> Bool) {
        #expect(flows[index][name] == UInt64(before.count(where: isAlike)), "\(name) of flow \(index)")
      }
      expect("last_source") { $0.source == own.source }
      expect("last_destination") { $0.destination == own.destination }
      expect("last_ends") { $0.source == own.source && $0.destination == own.destination }
      expect("last_source_service") {
        $0.source == own.source && $0.destinationPort == own.destinationPort && $0.isTCP == own.isTCP
      }
      expect("last_destination_service") {
        $0.destination == own.destination && $0.destinationPort == own.destinationPort
          && $0.isTCP == own.isTCP
      }
      expect("last_source_port") {
        $0.source == own.source && $0.destinationPort == own.destinationPort
      }
      expect("last_destination_port") {
        $0.destination == own.destination && $0.sourcePort == own.sourcePort
      }
    }
  }

  @Test("entropy is that of the half-bytes of the first payload")
  func entropy() throws {
    for (payload, entropy) in [
      ([UInt8](repeating: 0, count: 32), UInt64(0)), ([0x01], 1_000),
      ((0..<16).map { $0 << 4 | (15 - $0) }, 4_000),
      ([0x11, 0x22], 1_000), ([0x12, 0x34], 2_000),
    ] as [([UInt8], UInt64)] {
      let features = FlowCase.features(try #require(FlowCase.meter([.udp(0, payload)]).flows.first))
      #expect(features["head_entropy"] == entropy && features["head_bytes"] == UInt64(payload.count))
    }
  }

  @Test("what stands for several segments counts as they are on the wire")
  func segments() {
    var packet = medulla_packet()
    packet.key.version = 4
    packet.key.protocol = 17
    (packet.payload, packet.header, packet.network) = (2_500, 54, 14)
    var seen = flow_packet()
    (seen.time_us, seen.length, seen.segments, seen.segment) = (5, 2_500 + 3 * 54, 3, 1_000)
    var state = flow_state()
    flow_take(&state, &packet, &seen)
    var values = [UInt64](repeating: 0, count: FlowFeature.all.count)
    flow_all_features(&state, &values)
    let features = Dictionary(uniqueKeysWithValues: zip(FlowFeature.all.map(\.name), values))
    #expect(features["packets_forward"] == 3 && features["bytes_forward"] == 2_662)
    #expect(features["length_forward_minimum"] == 554 && features["length_forward_maximum"] == 1_054)
    #expect(features["payload_forward"] == 2_500 && features["data_packets_forward"] == 3)
    #expect(features["headers_forward"] == 120 && features["gap_forward_maximum"] == 0)
  }

  @Test("variances are exact, also where squares need more than 64 bits", arguments: [1, 2, 3])
  func variances(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let top = UInt32.max >> UInt32.random(in: 0...31, using: &generator)
      let values = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
        UInt32.random(in: (top / 2)...top, using: &generator)
      }
      var series = flow_series()
      for value in values { flow_add(&series, value, 1) }
      // The sum of squared differences from the first value, in 128 bits, has no cancellation to speak of.
      let count = UInt128(values.count)
      let sum = values.reduce(UInt128(0)) { $0 + UInt128($1) }
      let squares = values.reduce(UInt128(0)) { $0 + UInt128($1) * UInt128($1) }
      let expected = (squares * count - sum * sum) / (count * count)
      #expect(UInt128(flow_variance(series)) == expected, "seed \(seed): \(values)")
      let root = flow_root(flow_variance(series))
      #expect(UInt128(root) * UInt128(root) <= expected && UInt128(root + 1) * UInt128(root + 1) > expected)
    }
  }

  @Test("roots are exact at, below and above squares, and at the largest number", arguments: [1, 2, 3])
  func roots(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var roots: [UInt64] = Array(0...2_000) + (0..<32).flatMap { [(1 << $0) - 1, 1 << $0, (1 << $0) + 1] }
    roots += (0..<2_000).map { _ in
      UInt64.random(
        in: 0...UInt64(UInt32.max) >> UInt64.random(in: 0...31, using: &generator), using: &generator)
    }
    for root in roots {
      #expect(flow_root(root * root) == root, "seed \(seed)")
      // All up to the next square.
      #expect(flow_root(root * root + 2 * root) == root, "seed \(seed)")
    }
    #expect(flow_root(.max) == UInt64(UInt32.max))
  }

  @Test("an input is cut where it would leave the network's entry, and the largest number has a logarithm")
  func inputs() {
    let limit = UInt64(1) << 44 - 1
    for (value, expected) in [
      (0, 0), (7, 7), (limit - 1, limit - 1), (limit, limit), (limit + 1, limit), (1 << 63, limit),
      (1 << 63 + limit + 1, limit), (.max, limit),
    ] as [(UInt64, UInt64)] {
      #expect(flow_input_linear(value, 16) == Int64(expected << 16), "\(value)")
    }
    for (value, expected) in [
      (0, 0), (1, 65_536), (2, 98_304), (3, 131_072), (1 << 63 - 1, 63 << 16), (.max, 64 << 16 - 1),
      (.max - 1, 64 << 16 - 1),
    ] as [(UInt64, Int64)] {
      #expect(flow_input_log2(value, 16) == expected, "\(value)")
    }
  }
}
