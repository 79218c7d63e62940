import Foundation
import TestbedCases
import Testing

@testable import TestbedDemo
@testable import TestbedLink
@testable import TestbedMeasures

/// The kernel's own Reno in the place of a network.
private final class RenoSteering: DemoSteering {
  let congestion = "reno"
  private(set) var attached = 0
  private(set) var swapped = 0
  var failsToSwap = false

  func attach() { attached += 1 }
  func detach() { attached -= 1 }

  func swap() throws -> Duration {
    if failsToSwap { throw TestbedError(.linkFailed, "no swap", remedy: "") }
    swapped += 1
    return .milliseconds(2)
  }

  func benchmark() -> DemoInference {
    DemoInference(kernelNs: 240, emptyNs: 37, nativeScalarNs: 190, roundtripNs: 9000)
  }

  func slots() -> [DemoSlot] {
    (0...swapped).map { index in
      DemoSlot(
        index: index, version: index + 1, digest: "abcdef0123456789", name: "net \(index)", state: "active",
        flows: 2, inferences: 10, nanosecondsPerInference: 300, leastNanoseconds: 200)
    }
  }
}

extension RealLinks {
  @Suite("The demonstration")
  struct DemoTests {
    private static let plan: DemoPlan = {
      var plan = DemoPlan()
      (plan.seconds, plan.warmUp, plan.swapAt, plan.secondFlowAt, plan.swapSeconds) = (3, 1, 1, 2, 6)
      (plan.rivalFrom, plan.rivalUntil, plan.rivalSettled, plan.besideSeconds) = (2, 5, 1, 10)
      (plan.rateMbps, plan.rttMilliseconds, plan.baselines) = (20, 10, ["no-such-control"])
      return plan
    }()

    @Test(
      "it compares, swaps in mid-flow, reports and leaves nothing behind",
      .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
    func whole() throws {
      let steering = RenoSteering()
      var said: [String] = []
      let outcome = try Demo(Self.plan, executable: TestHost.lab) { said.append($0) }.run(steering)
      #expect(steering.attached == 0)
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
      #expect(said.contains { $0.contains("no-such-control") })
      #expect(outcome.runs.map(\.congestion) == ["reno"])
      // Above, what the link allows; below, what only a broken link misses.
      let capacity = Self.plan.cell.capacityMbps
      #expect(outcome.runs[0].goodputMbps < capacity * 1.1)
      #expect(outcome.runs[0].goodputMbps > (outcome.runs[0].fellBehind ? 0 : capacity * 0.3))
      #expect(outcome.runs[0].nsPerInference == 300)
      #expect(!outcome.runs[0].rtt.isEmpty)
      let beside = try #require(outcome.beside)
      #expect(beside.rival == "cubic" && beside.from >= 2 && beside.until > beside.from + 2)
      #expect(beside.ownMbps + beside.rivalMbps < capacity * 1.1)
      #expect(beside.own.contains { $0.time > beside.until } && beside.other.allSatisfy { $0.time >= 2 })
      let swap = try #require(outcome.swap)
      #expect(swap.before.count == 1)
      #expect(swap.after.count == 2)
      #expect(swap.time >= 1)
      #expect(swap.second.first.map { $0.time > swap.time } == true)
      let report = DemoReport(outcome)
      #expect(report.text.contains("240 ns in the kernel (37 of them set-up)"))
      #expect(report.text.contains("net 1 abcdef012345"))
      #expect(report.text.contains("beside cubic"))
      #expect(report.html.contains("Goodput across the swap"))
      #expect(report.html.contains("Goodput beside cubic"))
    }

    @Test(
      "when a step fails, the network is detached and the link removed",
      .enabled(if: TestHost.canEmulateLinks, Comment(rawValue: TestHost.needsLinks)))
    func failure() {
      let steering = RenoSteering()
      steering.failsToSwap = true
      #expect(throws: TestbedError.self) {
        try Demo(Self.plan, executable: TestHost.lab) { _ in }.run(steering)
      }
      #expect(steering.attached == 0)
      #expect(TestHost.namespaces(of: getpid()).isEmpty)
    }

    private static let models = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().appendingPathComponent("../../models").path

    @Test("the two snapshots of the shipped network differ in data, not in shape")
    func snapshots() throws {
      let network = try ShippedNetwork(.congestion, directory: Self.models)
      let sameShape = network.first.shape == network.second.shape
      let sameData = network.first.image == network.second.image
      #expect(sameShape)
      #expect(!sameData)
    }

    @Test("the simulated demonstration is labelled, repeatable, and fills the link")
    func simulated() throws {
      let network = try ShippedNetwork(.congestion, directory: Self.models)
      let demo = SimulatedDemo(DemoPlan()) { _ in }
      let outcome = try demo.run(network, reason: "this is a test.")
      #expect(outcome.datapath == "simulator")
      #expect(DemoReport(outcome).text.hasPrefix("SIMULATED"))
      #expect(DemoReport(outcome).html.contains("Simulated: this is a test."))
      let run = try #require(outcome.runs.first)
      #expect(run.goodputMbps > 0.8 * outcome.plan.cell.capacityMbps)
      #expect(run.goodputMbps < 1.01 * outcome.plan.cell.capacityMbps)
      let least = try #require(run.nsPerInferenceLeast)
      let mean = try #require(run.nsPerInference)
      #expect(least >= 10, "no interpreter is that quick")
      #expect(least <= mean)
      // The network's flow holds a good part of what is fair, and has a short queue again afterwards.
      let beside = try #require(outcome.beside)
      let fair = outcome.plan.cell.capacityMbps / 2
      #expect(beside.ownMbps > 0.7 * fair && beside.rivalMbps > 0.7 * fair)
      #expect(beside.queueBesideMs > 20)
      #expect(beside.queueBeforeMs < 10 && beside.queueAfterMs < 10)
      let again = try demo.run(network, reason: "")
      #expect(again.runs.first?.rate == run.rate)
      let swap = try #require(outcome.swap)
      #expect(swap.after.map(\.inferences).allSatisfy { $0 > 0 })
      #expect(swap.first.count > swap.second.count)
    }

    @Test("a directory without the network is an error that says what is missing")
    func missing() {
      #expect(throws: (any Error).self) { try ShippedNetwork(directory: "/nonexistent") }
    }
  }
}
