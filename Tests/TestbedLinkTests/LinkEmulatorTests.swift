import Foundation
import MedullaBase
import TestbedCases
import Testing

@testable import TestbedLink
@testable import TestbedWorkload

extension RealLinks {
  /// Upper bounds are what the link makes impossible; lower bounds are what only a broken emulator misses,
  /// however busy the machine.
  @Suite(
    "An emulated link", .serialized,
    .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
  struct LinkEmulatorTests {
    private static func link(
      rate: Double? = nil, delayMilliseconds: UInt64 = 0, buffer: Int? = nil, loss: Double = 0
    ) -> LinkConfiguration {
      LinkConfiguration(
        forward: PathConfiguration(
          bitsPerSecond: rate, delayNanoseconds: delayMilliseconds * 1_000_000, bufferBytes: buffer,
          lossProbability: loss),
        backward: PathConfiguration(delayNanoseconds: delayMilliseconds * 1_000_000))
    }

    /// Round-trip times in milliseconds of those of `count` pings that came back.
    private func ping(
      _ link: LinkEmulator, _ address: String, count: Int, interval: Double = 0.02
    ) throws -> [Double] {
      let outcome = try ChildProcess.run(
        link.client.entering(["ping", "-n", "-W", "2", "-c", "\(count)", "-i", "\(interval)", address]))
      return outcome.outputText.split(separator: "\n").compactMap { line in
        line.split(separator: " ").first { $0.hasPrefix("time=") }.flatMap { Double($0.dropFirst(5)) }
      }
    }

    @Test(
      "a round trip takes the delay of both ways",
      arguments: [LinkEmulator.Address.server, LinkEmulator.Address.server6])
    func delay(address: String) throws {
      try LinkEmulator.with(Self.link(delayMilliseconds: 10), executable: TestHost.lab) { link in
        let times = try ping(link, address, count: 20)
        let fellBehind = try link.stop().fellBehind
        #expect(times.count >= 10)
        // Never early; the best of them not late by another one-way delay.
        #expect(times.allSatisfy { $0 >= 20 })
        #expect(fellBehind || (times.min() ?? .infinity) < 30)
      }
    }

    @Test("one flow gets the link's rate, and the recorder saw what it got")
    func rate() throws {
      let configuration = Self.link(rate: 50e6, delayMilliseconds: 5, buffer: 125_000)
      try LinkEmulator.with(configuration, executable: TestHost.lab) { link in
        let transfer = try Transfer(.init(congestion: "cubic", seconds: 4), over: link)
        try Interruption.sleep(.seconds(2))
        try link.beginWindow()
        try Interruption.sleep(.seconds(1))
        try link.beginWindow()
        let result = try transfer.finish()
        let deviceDrops = try link.deviceDrops()
        let report = try link.stop()
        #expect(report.fellBehind || deviceDrops == 0)
        #expect(report.ending == "stopped")
        #expect(report.failedWrites == 0)
        let window = report.forward.windows[1]
        let capacity = 50e6 * 1448 / 1500
        // The rate is a bound that nothing exceeds; being busy can only take from it.
        #expect(window.bitsPerSecond < 50e6 * 1.01)
        #expect(window.bitsPerSecond > (report.fellBehind ? 0 : 50e6 * 0.3))
        let goodput = result.goodput(from: 0, to: 4)
        #expect(goodput < capacity * 1.05)
        #expect(goodput > (report.fellBehind ? 0 : capacity * 0.3))
        #expect(window.queueingDelay.meanMilliseconds <= 20.1, "a full buffer of 125,000 bytes is 20 ms")
        #expect(result.flows.count == 1)
        #expect(!result.roundTrips(from: 0).isEmpty)
      }
    }

    @Test("a small buffer drops, and TCP sends as much again")
    func drops() throws {
      let configuration = Self.link(rate: 20e6, delayMilliseconds: 10, buffer: 12_000)
      try LinkEmulator.with(configuration, executable: TestHost.lab) { link in
        let result = try Transfer(.init(congestion: "reno", flows: 2, seconds: 3), over: link).finish()
        let report = try link.stop()
        #expect(result.flows.count == 2)
        #expect(report.forward.droppedSegments > 0)
        #expect(result.retransmits > 0)
        #expect(report.forward.windows.allSatisfy { $0.queueBytesMaximum <= 12_000 })
      }
    }

    @Test("random loss takes exactly the packets that its seed says")
    func loss() throws {
      var configuration = Self.link(rate: 50e6, loss: 0.1)
      configuration.seed = 7
      try LinkEmulator.with(configuration, executable: TestHost.lab) { link in
        let answers = try ping(link, LinkEmulator.Address.server, count: 200, interval: 0.002).count
        let windows = try link.stop().forward.windows
        let arrived = windows.reduce(0) { $0 + $1.arrivedSegments }
        let lost = windows.reduce(0) { $0 + $1.lostSegments }
        // One draw for each packet; pings, and what the kernels say between them.
        var random = SeededGenerator(seed: configuration.seed)
        #expect(lost == (0..<arrived).filter { _ in random.unit() < 0.1 }.count)
        #expect(arrived >= 200)
        #expect((200 - lost...200).contains(answers))
        #expect(answers < 200)
      }
    }

    @Test("ss sees the flow's congestion control and round trip while it runs")
    func sampling() throws {
      let configuration = Self.link(rate: 50e6, delayMilliseconds: 10, buffer: 125_000)
      try LinkEmulator.with(configuration, executable: TestHost.lab) { link in
        let sampler = SocketSampler(link.client)
        let transfer = try Transfer(.init(congestion: "reno", seconds: 2), over: link)
        sampler.start()
        let result = try transfer.finish()
        let samples = sampler.stop().filter { $0.localPort == result.flows[0].port }
        #expect(!samples.isEmpty)
        #expect(samples.allSatisfy { $0.congestion == "reno" })
        #expect(samples.compactMap(\.rttMilliseconds).allSatisfy { $0 >= 19.9 })
      }
    }

    @Test("nothing is left when the work on a link fails")
    func cleanUp() throws {
      struct Failure: Error {}
      var names: [String] = []
      #expect(throws: Failure.self) {
        try LinkEmulator.with(Self.link(), executable: TestHost.lab) { link in
          names = [link.client.name, link.server.name]
          #expect(TestHost.namespaces().isSuperset(of: names))
          throw Failure()
        }
      }
      #expect(TestHost.namespaces().isDisjoint(with: names))
    }

    @Test("a worker that cannot start leaves no namespace behind")
    func noWorker() {
      let before = TestHost.namespaces(of: getpid())
      #expect(throws: TestbedError.self) { try LinkEmulator(Self.link(), executable: "/bin/false") }
      #expect(throws: TestbedError.self) { try LinkEmulator(Self.link(), executable: "/nonexistent") }
      #expect(TestHost.namespaces(of: getpid()) == before)
    }

    @Test("a worker that is asked to terminate still reports")
    func terminated() throws {
      let link = try LinkEmulator(Self.link(delayMilliseconds: 1), executable: TestHost.lab)
      _ = try ping(link, LinkEmulator.Address.server, count: 3)
      kill(link.workerIdentifier, SIGTERM)
      #expect(TestHost.becomes { !link.isRunning })
      let report = try link.stop()
      #expect(report.ending == "terminated")
      #expect(report.forward.windows[0].deliveredSegments >= 3)
      #expect(!TestHost.namespaces().contains(link.client.name))
    }

    @Test("a worker that was killed is an error with a remedy, and the namespaces go")
    func killed() throws {
      let link = try LinkEmulator(Self.link(), executable: TestHost.lab)
      kill(link.workerIdentifier, SIGKILL)
      #expect(TestHost.becomes { !link.isRunning })
      #expect(throws: TestbedError.self) { try link.beginWindow() }
      #expect(throws: TestbedError.self) { try link.stop() }
      #expect(TestHost.namespaces().isDisjoint(with: [link.client.name, link.server.name]))
    }

    @Test("`medulla link` runs a command with the server's address and gives its exit status")
    func command() throws {
      let child = try ChildProcess([
        TestHost.lab, "link", "--rate", "10mbit", "--delay", "1ms", "--", "sh", "-c",
        "ping -c 1 -q $MEDULLA_SERVER > /dev/null && exit 7",
      ])
      let outcome = try child.finish(within: .seconds(20))
      #expect(outcome.status == 7, "\(outcome.errorText)")
      #expect(TestHost.namespaces(of: child.identifier).isEmpty)
    }

    @Test("`medulla link` removes everything when it is interrupted")
    func interrupted() throws {
      let child = try ChildProcess([TestHost.lab, "link", "--rate", "10mbit"])
      #expect(try child.readLine(within: .seconds(10))?.hasPrefix("MEDULLA_CLIENT=") == true)
      #expect(TestHost.namespaces(of: child.identifier).count == 2)
      kill(child.identifier, SIGINT)
      #expect(try child.finish(within: .seconds(10)).status == 0)
      #expect(TestHost.namespaces(of: child.identifier).isEmpty)
    }

    @Test("the worker removes the namespaces of an owner that was killed")
    func orphaned() throws {
      let child = try ChildProcess([TestHost.lab, "link", "--rate", "10mbit"])
      _ = try child.readLine(within: .seconds(10))
      #expect(TestHost.namespaces(of: child.identifier).count == 2)
      kill(child.identifier, SIGKILL)
      #expect(try child.finish(within: .seconds(10)).status == 128 + SIGKILL)
      #expect(TestHost.becomes { TestHost.namespaces(of: child.identifier).isEmpty })
    }
  }
}
