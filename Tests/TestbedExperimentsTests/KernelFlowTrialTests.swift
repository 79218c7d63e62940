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

    @Test(
      "a rival joins and leaves: what both had is told, and the link is the other's again",
      arguments: [true, false])
    func rivals(isOwnFirst: Bool) throws {
      let trial = RivalTrial(
        link: LinkCell(rateMbps: 20, rttMilliseconds: 10, bufferBdp: 1), seed: 1, isOwnFirst: isOwnFirst,
        alone: 1, together: 4, warmUp: 1, after: 2)
      let reading = try trial.run(("cubic", "reno"), executable: TestHost.lab)
      let own = try #require(reading[RivalTrial.own])
      let rival = try #require(reading[RivalTrial.rival])
      let share = try #require(reading[RivalTrial.ownShare])
      let small = try #require(reading[RivalTrial.small])
      // Above, what the link allows; below, what a busy machine cannot explain.
      #expect(own > 0.5 && rival > 0.5 && own + rival < 21)
      #expect(abs(share * trial.link.capacityMbps / 2 - own) < 1e-9)
      #expect(reading.series[RivalTrial.ownSeries]?.count == 3 && (reading[FlowMetrics.queue.mean] ?? 0) > 0)
      #expect((0...2).contains(small))
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }

    @Test("a rate that falls and rises is counted as what it was")
    func changing() throws {
      let trial = ChangingTrial(
        link: LinkCell(rateMbps: 20, rttMilliseconds: 10, bufferBdp: 2), lowMbps: 5, seed: 1, stepSeconds: 1,
        steps: 5, warmUpSteps: 1)
      let reading = try trial.run(congestion: "cubic", executable: TestHost.lab)
      let share = try #require(reading[BulkTrial.share])
      // Two steps of each rate: 12.5 Mbit/s of packets.
      let goodput = try #require(reading[FlowMetrics.goodput])
      #expect(abs(goodput / share - 12.5 * 1448 / 1500) < 0.5)
      #expect(share > 0.2 && share < 1.1 && (reading[FlowMetrics.queue.mean] ?? 0) > 0)
    }

    @Test("transfers one after another never overlap, and each has its size")
    func oneAfterAnother() throws {
      let link = LinkCell(rateMbps: 20, rttMilliseconds: 10, bufferBdp: 2).link(seed: 1)
      try LinkEmulator.with(link, executable: TestHost.lab) { link in
        var plan = ShortFlows.Plan(congestion: "cubic")
        (plan.oneAfterAnother, plan.interval, plan.bytes) = (true, 0.001, 10_000...10_000)
        let flows = try ShortFlows(plan, over: link)
        defer { flows.stop() }
        #expect(TestHost.becomes { flows.read().completed >= 5 })
        let counts = flows.read()
        #expect(counts.begun - counts.completed <= 1 && counts.broken == 0 && counts.skipped == 0)
        let done = try flows.finish(within: .seconds(10))
        #expect(done.unfinished == 0 && flows.completed().allSatisfy { $0.bytes == 10_000 })
        // Two round trips at least: the handshake, and the bytes with their answer.
        #expect(flows.completed().allSatisfy { $0.seconds >= 0.02 })
      }
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
