import Foundation
import TestbedCases
import Testing

@testable import TestbedLink
@testable import TestbedWorkload

extension RealLinks {
  @Suite("Workloads over real links", .enabled(if: TestHost.canEmulateLinks, "\(TestHost.needsLinks)"))
  struct WorkloadTests {
    /// The same both ways: 20 Mbit/s, 10 ms of round trip, 40 ms of buffer.
    private var link: LinkConfiguration {
      let path = PathConfiguration(bitsPerSecond: 20e6, delayNanoseconds: 5_000_000, bufferBytes: 100_000)
      return LinkConfiguration(forward: path, backward: path)
    }

    /// Loses everything from now on.
    private func cut(_ emulator: LinkEmulator) throws {
      var dead = link
      (dead.forward.lossProbability, dead.backward.lossProbability) = (1, 1)
      try emulator.change(dead)
    }

    @Test("every burst of on-off flows is read to its last byte, from either end")
    func bursts() throws {
      for sender in [LinkEnd.client, .server] {
        try LinkEmulator.with(link, executable: TestHost.lab) { emulator in
          var plan = OnOffFlows.Plan(congestion: "cubic")
          (plan.flows, plan.on, plan.off, plan.sender) = (2, .fixed(0.2), .fixed(0.3), sender)
          let flows = try OnOffFlows(plan, over: emulator)
          defer { flows.stop() }
          #expect(TestHost.becomes { flows.read().completed >= 4 }, "\(flows.read())")
          let counts = try flows.finish(within: .seconds(20))
          #expect(counts.completed == counts.begun && counts.unfinished == 0 && counts.skipped == 0)
          #expect(counts.broken == 0 && counts.brokenConnections == 0, "\(counts.reasons)")
          let bursts = flows.completed()
          #expect(bursts.count == counts.completed && Set(bursts.map(\.flow)) == [0, 1])
          #expect(bursts.allSatisfy { $0.sendingSeconds >= 0.2 && $0.seconds >= $0.sendingSeconds })
          #expect(bursts.allSatisfy { $0.bitsPerSecond < 25e6 } && bursts.contains { $0.bytes > 0 })
          let report = try emulator.stop()
          let path = sender == .client ? report.forward : report.backward
          #expect(path.deliveredBytes > bursts.reduce(0) { $0 + $1.bytes })
        }
      }
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }

    @Test("bursts on a link that has died are counted as unfinished")
    func deadBursts() throws {
      try LinkEmulator.with(link, executable: TestHost.lab) { emulator in
        var plan = OnOffFlows.Plan(congestion: "cubic")
        (plan.on, plan.off) = (.fixed(0.3), .fixed(0.05))
        let flows = try OnOffFlows(plan, over: emulator)
        defer { flows.stop() }
        #expect(TestHost.becomes { flows.read().begun >= 1 })
        try cut(emulator)
        try Interruption.sleep(.milliseconds(500))
        let counts = try flows.finish(within: .milliseconds(500))
        #expect(
          counts.unfinished >= 1 && counts.begun == counts.completed + counts.broken + counts.unfinished)
      }
    }

    @Test("each request has its whole answer, sent with the chosen congestion control, a round trip later")
    func answers() throws {
      try LinkEmulator.with(link, executable: TestHost.lab) { emulator in
        var plan = RequestResponse.Plan(congestion: "reno")
        (plan.connections, plan.answerBytes, plan.think) = (3, 30_000, .exponential(mean: 0.05))
        let requests = try RequestResponse(plan, over: emulator)
        defer { requests.stop() }
        let seen = try ChildProcess.run([
          "ss", "-N", emulator.server.name, "-tinH", "dst", LinkEmulator.Address.client,
        ])
        let sockets = SocketSample.parse(seen.outputText, at: 0)
        #expect(sockets.count == 3 && sockets.allSatisfy { $0.congestion == "reno" }, "\(seen.outputText)")
        #expect(TestHost.becomes { requests.read().completed >= 20 }, "\(requests.read())")
        let counts = try requests.finish(within: .seconds(20))
        #expect(counts.completed == counts.begun && counts.unfinished == 0)
        #expect(counts.broken == 0 && counts.brokenConnections == 0, "\(counts.reasons)")
        let answers = requests.completed()
        #expect(answers.count == counts.completed && Set(answers.map(\.connection)) == [0, 1, 2])
        #expect(answers.allSatisfy { $0.seconds >= 0.01 })
        #expect(try emulator.stop().backward.deliveredBytes > counts.completed * plan.answerBytes)
      }
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }

    @Test("a request that nobody can answer counts as broken, with the reason")
    func deadRequests() throws {
      try LinkEmulator.with(link, executable: TestHost.lab) { emulator in
        var plan = RequestResponse.Plan(congestion: "cubic")
        (plan.connections, plan.patience, plan.think) = (2, 0.5, .fixed(0.2))
        let requests = try RequestResponse(plan, over: emulator)
        defer { requests.stop() }
        try cut(emulator)
        #expect(TestHost.becomes { requests.read().brokenConnections == 2 }, "\(requests.read())")
        let counts = try requests.finish(within: .seconds(5))
        #expect(counts.begun == counts.completed + counts.broken && counts.unfinished == 0)
        #expect(counts.reasons == ["not answered after 0.5 s": 2])
      }
    }
  }
}
