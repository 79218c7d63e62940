import Foundation
import PacketCases
import Testing

@testable import MedullaFlows

@Suite("flows of frames")
struct FlowMeterTests {
  @Test("every frame that a fixture calls a flow is one, and no other")
  func fixtures() throws {
    for fixture in PacketFixture.all {
      let meter = try FlowCase.meter([.init(milliseconds: 0, bytes: fixture.bytes)])
      #expect(meter.flows.count == (fixture.seen == nil ? 0 : 1), "\(fixture.name)")
      #expect(meter.counts.withoutFlow == (fixture.seen == nil ? 1 : 0), "\(fixture.name)")
      guard let seen = fixture.seen, let flow = meter.flows.first else { continue }
      #expect(flow.transport == seen.protocol && flow.sourcePort == seen.sourcePort, "\(fixture.name)")
      #expect(flow.destinationPort == seen.destinationPort, "\(fixture.name)")
      let features = FlowCase.features(flow)
      #expect(features["payload_forward"] == UInt64(seen.payload), "\(fixture.name)")
      #expect(features["version"] == UInt64(seen.version), "\(fixture.name)")
    }
  }

  @Test("both directions are one flow, whichever comes first, and forward is the first packet's")
  func directions() throws {
    for back in [false, true] {
      let meter = try FlowCase.meter([.udp(0, Wire.payload, back: back), .udp(1, Wire.payload, back: !back)])
      #expect(meter.flows.count == 1)
      let flow = try #require(meter.flows.first)
      #expect(flow.sourceAddress == (back ? "10.0.0.2" : "10.0.0.1"))
      #expect(flow.destinationAddress == (back ? "10.0.0.1" : "10.0.0.2"))
      #expect(flow.sourcePort == (back ? 53 : 4_660))
      let features = FlowCase.features(flow)
      #expect(features["packets_forward"] == 1 && features["packets_backward"] == 1)
    }
  }

  @Test("after a silence longer than the limit another flow begins, at the limit it goes on")
  func idle() throws {
    func flows(_ gap: UInt64) throws -> Int {
      try FlowCase.meter([.udp(0, []), .udp(gap, [])], idle: .seconds(60)).flows.count
    }
    #expect(try flows(60_000) == 1)
    #expect(try flows(60_001) == 2)
  }

  @Test(
    "a flow ends with the end of each direction that was seen, or with a reset, and takes late packets in",
    arguments: [
      // A FIN each way, and the last ACK; a new SYN begins another.
      ([.tcp(0, 2), .tcp(1, 18, back: true), .tcp(2, 17), .tcp(3, 17, back: true), .tcp(4, 16)], 1),
      (
        [.tcp(0, 2), .tcp(1, 18, back: true), .tcp(2, 17), .tcp(3, 17, back: true), .tcp(4, 16), .tcp(5, 2)],
        2
      ),
      // One side has not ended: its data and another SYN are the same flow's.
      ([.tcp(0, 2), .tcp(1, 18, back: true), .tcp(2, 17), .tcp(3, 2)], 1),
      // Only one direction is seen.
      ([.tcp(0, 2), .tcp(1, 17), .tcp(2, 2)], 2),
      // A reset ends both; what comes two seconds later is another's.
      ([.tcp(0, 2), .tcp(1, 4, back: true), .tcp(2_000, 16)], 1),
      ([.tcp(0, 2), .tcp(1, 4, back: true), .tcp(2_002, 16)], 2),
    ] as [([FlowCase.Frame], Int)])
  func ends(frames: [FlowCase.Frame], flows: Int) throws {
    #expect(try FlowCase.meter(frames).flows.count == flows)
  }

  @Test("time that goes back is no gap, and begins no flow")
  func backwards() throws {
    let meter = try FlowCase.meter([.udp(5_000, Wire.payload), .udp(0, Wire.payload), .udp(10, Wire.payload)])
    let features = FlowCase.features(try #require(meter.flows.first))
    #expect(meter.flows.count == 1 && features["gap_maximum"] == 10_000 && features["gap_minimum"] == 0)
  }

  @Test("frames that the capture has cut off count with their length on the wire")
  func cutOff() throws {
    let frame = FlowCase.Frame.udp(0, Wire.payload)
    let meter = try FlowCase.meter([
      .init(milliseconds: 0, bytes: Array(frame.bytes.prefix(50)), length: frame.bytes.count)
    ])
    let features = FlowCase.features(try #require(meter.flows.first))
    #expect(features["bytes"] == 74 && features["payload_forward"] == 32 && features["head_bytes"] == 8)
  }

  private static let datagram = Wire.four(17, bytes: 40) + Wire.udp(32) + Wire.payload

  @Test(
    "frames of other links are read from their network header",
    arguments: [
      (LinkLayer.raw, []), (.family, [2, 0, 0, 0]), (.pointToPoint, [0xff, 0x03, 0x00, 0x21]),
      (.pointToPoint, [0x00, 0x21]), (.typed(bytes: 4, at: 2), [0x0f, 0, 8, 0]),
      (.typed(bytes: 16, at: 14), [UInt8](repeating: 0, count: 14) + [8, 0]),
      (.typed(bytes: 20, at: 0), [8, 0] + [UInt8](repeating: 0, count: 18)),
    ] as [(LinkLayer, [UInt8])])
  func links(link: LinkLayer, header: [UInt8]) throws {
    func flows(_ bytes: [UInt8]) throws -> [FlowRecord] {
      try FlowCase.meter([.init(milliseconds: 0, bytes: bytes)], link: link).flows
    }
    let flow = try #require(flows(header + Self.datagram).first)
    #expect(flow.sourceAddress == "10.0.0.1" && flow.destinationPort == 53)
    for length in 0..<(header.count + 28) {
      #expect(try flows(Array((header + Self.datagram).prefix(length))).isEmpty, "\(length) bytes")
    }
  }

  @Test("rows have who and how much first, and each feature once")
  func rows() throws {
    let meter = try FlowCase.meter([.udp(0, Wire.payload), .udp(1, Wire.payload, back: true)])
    let table = FlowTable(meter.flows)
    let row = try #require(table.rows.first)
    #expect(row.count == table.header.count && Set(table.header).count == row.count)
    #expect(Array(row.prefix(9)) == ["10.0.0.1", "4660", "10.0.0.2", "53", "17", "1", "1", "74", "74"])
    #expect(Set(FlowFeature.all.map(\.name)).isSubset(of: table.header))
  }
}
