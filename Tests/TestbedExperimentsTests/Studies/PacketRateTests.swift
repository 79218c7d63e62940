import Foundation
import TestbedPackets
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("The study of packet rates")
struct PacketRateTests {
  private let study = PacketRate.study

  private func good() -> [StudyRun] {
    StudyFixture.runs(study, study.plan) { cell, _, _ in Reading(keyed: StudyCases.packets(cell)) }
  }

  private func misses(_ runs: [StudyRun]) -> [String] {
    study.judge(runs, study.plan, complete: true).misses
  }

  @Test(
    "one figure beyond its bound is a miss by its name",
    arguments: [
      ("xdp", "hit", "warm_ns", 100.1, "XDP, hit: warm (ns): 100.1"),
      ("tc", "hit", "warm_ns", 100.1, "tc, hit: warm (ns): 100.1"),
      ("netlink", "over netlink", "p50_ns", 1_999, "FFNN, median: netlink over in kernel: 19.99"),
      (
        "own-core", "no function", "received_mpps", 4.01,
        "receiver's own core: inference over drop, packets/s: 0.499"
      ),
      (
        "own-core", "inference", "receiver_ns", 201,
        "receiver's own core: drop over inference, processor's time: 0.498"
      ),
      (
        "two-cores", "inference", "received_mpps", 3.55,
        "two cores over one: inference, packets/s: 1.775"
      ),
      (
        "two-cores", "inference", "inferences_per_packet", 0.998,
        "inferences a packet over links, least: 0.998"
      ),
    ])
  func missed(place: String, measured: String, key: String, value: Double, miss: String) {
    var runs = good()
    for index in runs.indices
    where runs[index].cell.text("place") == place && runs[index].cell.text("case") == measured {
      runs[index].reading[Metric(key, "")] = value
    }
    let found = misses(runs)
    #expect(found.count == 1 && found.allSatisfy { $0.hasPrefix(miss) }, "\(found)")
  }

  @Test("fewer than a million packets a second with inference are missed on the receiver's own core")
  func million() {
    var runs = good()
    for index in runs.indices where runs[index].cell.text("place") == "own-core" {
      runs[index].reading[PacketRate.received] = 0.99
    }
    #expect(misses(runs).map { $0.prefix(40) } == ["veth, receiver's own core, inference: re"])
  }

  @Test("a place has the cases that can be measured there, and the plan's count is theirs")
  func cells() throws {
    let plan = try study.replacing(["places=xdp,one-core,netlink", "repeats=2"], in: study.plan)
    let cells = study.cells(plan)
    #expect(cells.count == 7 + 5 + 3 && study.runCount(plan) == 30)
    #expect(!cells.contains { $0.fits([PacketRate.places("one-core"), PacketRate.cases("miss, new flow")]) })
    #expect(!study.isComplete(plan))
  }

  @Test("a plan with a place that is not known, or with no packets, is refused")
  func refused() throws {
    for setting in ["places=cellar", "packets=0", "slices=0", "slice_ms=1", "cold_runs=0"] {
      #expect(throws: TestbedError.self, "\(setting)") {
        try study.validate(study.replacing([setting], in: study.plan))
      }
    }
  }
}
