import Foundation
import TestbedCases
import Testing

@testable import TestbedExperiments
@testable import TestbedLink
@testable import TestbedMeasures
@testable import TestbedWorkload

extension RealLinks {
  @Suite("Trials of flows over real links", .enabled(if: TestHost.canEmulateLinks, "\(TestHost.needsLinks)"))
  struct FlowTrialTests {
    @Test("a trial measures goodput, queue and processors, and leaves nothing")
    func trial() throws {
      let delay: UInt64 = 5_000_000
      let trial = FlowTrial(
        link: LinkConfiguration(
          forward: PathConfiguration(bitsPerSecond: 20e6, delayNanoseconds: delay, bufferBytes: 50_000),
          backward: PathConfiguration(delayNanoseconds: delay)),
        flows: 2, seconds: 3, warmUp: 1, background: .init(bitsPerSecond: 2e6))
      let network = try SteeringNetworkStub.network
      let steering = try Steering(#require(SteeringScheme("cubic")), prefix: "t", network: network)
      let outcome = try trial.run(steering, prefix: "t", executable: TestHost.lab)
      let reading = outcome.reading
      let goodput = try #require(reading[FlowMetrics.goodput])
      #expect(outcome.transfer.flows.count == 2 && goodput > 8 && goodput < 20)
      let processors = try ProcessorMeter().read().busyByProcessor.count
      #expect(reading[FlowMetrics.senderBusy] != nil && processors == ProcessInfo.processInfo.processorCount)
      #expect((reading[FlowMetrics.queue.mean] ?? 0) > 0 && (reading[FlowMetrics.roundTrip.mean] ?? 0) >= 10)
      #expect(reading[FlowMetrics.inferences] == nil)
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }

    @Test("many flows all move, and their receiver counts each")
    func bulk() throws {
      let link = LinkConfiguration(
        forward: PathConfiguration(bitsPerSecond: 50e6, delayNanoseconds: 1_000_000, bufferBytes: 4_000_000),
        backward: PathConfiguration(delayNanoseconds: 1_000_000))
      try LinkEmulator.with(link, executable: TestHost.lab) { link in
        let bulk = try BulkFlows(count: 60, congestion: "cubic", over: link)
        defer { bulk.stop() }
        #expect(TestHost.becomes { bulk.receivedBytes().allSatisfy { $0 > 0 } }, "\(bulk.receivedBytes())")
        #expect(bulk.receivedBytes().count == 60 && bulk.retransmits() >= 0)
        bulk.stop()
        bulk.stop()
        // Nothing that was not sent keeps a flow alive: port 7001, in hexadecimal digits.
        let sockets = try link.client.inside {
          try String(contentsOfFile: "/proc/thread-self/net/tcp", encoding: .utf8)
        }
        #expect(sockets.hasPrefix("  sl") && !sockets.contains(":1B59 "), "\(sockets)")
      }
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }
  }
}

/// The shipped network of this checkout.
private enum SteeringNetworkStub {
  static var network: SteeringNetwork {
    get throws {
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      return try SteeringNetwork(models: root.appendingPathComponent("models").path)
    }
  }
}
