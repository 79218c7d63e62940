import Foundation
import TestbedCases
import Testing

@testable import TestbedBaselines
@testable import TestbedLink
@testable import TestbedWorkload

extension RealLinks {
  @Suite(
    "DCTCP in this kernel", .serialized,
    .enabled(if: BaselineHost.canAttach, Comment(rawValue: BaselineHost.needs)))
  struct BaselineDCTCPTests {
    private static let rate = 50e6
    /// 30 packets are 7.2 ms at this rate; the buffer is 300.
    private static let threshold = 45_000
    private static let buffer = 450_000

    private func link(marking: Bool) -> LinkConfiguration {
      LinkConfiguration(
        forward: PathConfiguration(
          bitsPerSecond: Self.rate, delayNanoseconds: 2_000_000, bufferBytes: Self.buffer,
          markAboveBytes: marking ? Self.threshold : nil),
        backward: PathConfiguration(delayNanoseconds: 2_000_000))
    }

    private func transfer(
      _ congestion: String, marking: Bool, prepare: (LinkEmulator) throws -> Void
    ) throws -> (result: TransferResult, window: PathWindow) {
      try LinkEmulator.with(link(marking: marking), executable: TestHost.lab) { link in
        try prepare(link)
        let transfer = try Transfer(.init(congestion: congestion, seconds: 4), over: link)
        try Interruption.sleep(.seconds(1))
        try link.beginWindow()
        let result = try transfer.finish()
        return (result, try link.stop().forward.windows[1])
      }
    }

    @Test("the queue stays about the threshold of marking, and the link is full")
    func queue() throws {
      let dctcp = try DCTCP(name: "dctcp\(getpid())")
      defer { dctcp.detach() }
      let (result, window) = try transfer(dctcp.congestion, marking: true) { link in
        try dctcp.prepare(link.client)
        try dctcp.prepare(link.server)
      }
      let statistics = try dctcp.statistics()
      #expect(result.retransmits == 0 || window.fellBehind)
      #expect(window.markedSegments > 10)
      #expect(statistics.windows > 20)
      #expect(statistics.markedWindows > 2)
      #expect(statistics.flowsWithoutECN == 0)
      #expect((0.001...0.9).contains(statistics.meanAlpha))
      // A full buffer is 72 ms, the threshold 7.2 ms; a window comes over it by what grows in a round trip.
      #expect(window.fellBehind || window.queueingDelay.p95Milliseconds < 20)
      #expect(window.queueBytesMaximum < Self.buffer / 2 || window.fellBehind)
      let goodput = result.goodput(from: 1, to: 4)
      #expect(goodput > (window.fellBehind ? 0 : Self.rate * 0.5))
      #expect(goodput < Self.rate)
    }

    @Test("without marks it loses packets like Reno, and without ECN at the peer it is Reno")
    func loss() throws {
      let dctcp = try DCTCP(name: "dctcl\(getpid())")
      defer { dctcp.detach() }
      let (result, window) = try transfer(dctcp.congestion, marking: false) { link in
        try dctcp.prepare(link.client)
        try dctcp.prepare(link.server)
      }
      #expect(result.goodput(from: 0, to: 4) > (window.fellBehind ? 0 : Self.rate * 0.3))
      let statistics = try dctcp.statistics()
      #expect(statistics.markedWindows == 0)
      #expect(statistics.losses > 0)
      let (other, _) = try transfer(dctcp.congestion, marking: true) { link in
        try link.server.set(["net.ipv4.tcp_ecn=0"])
      }
      #expect(other.goodput(from: 0, to: 4) > 0)
      #expect(try dctcp.statistics().flowsWithoutECN > 0)
    }

    @Test("it can stay without its process, and is then detached by name")
    func kept() throws {
      let name = "dctck\(getpid())"
      do {
        let dctcp = try DCTCP(name: name)
        try dctcp.keep()
      }
      #expect(CongestionControls.available().contains(name))
      #expect(throws: TestbedError.self) { try DCTCP(name: name) }
      try DCTCP.detach(name: name)
      #expect(TestHost.becomes { !CongestionControls.available().contains(name) })
      #expect(throws: TestbedError.self) { try DCTCP.detach(name: name) }
    }
  }
}
