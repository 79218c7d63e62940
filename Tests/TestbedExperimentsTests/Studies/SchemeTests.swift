import Foundation
import Testing

@testable import TestbedExperiments
@testable import TestbedLink

@Suite("Schemes, and what is left behind")
struct SchemeTests {
  @Test("names of schemes mean what they say")
  func schemes() throws {
    #expect(SteeringScheme("cubic")?.kind == .kernel && SteeringScheme("medulla")?.kind == .inKernel)
    #expect(SteeringScheme("dctcp")?.kind == .dctcp && SteeringScheme("dctcp")?.description == "DCTCP")
    #expect(SteeringScheme("user-ack")?.kind == .userSpace(.everyAcknowledgement, runtime: .lean))
    let decision = SteeringScheme("user-decision")
    #expect(decision?.kind == .userSpace(.everyDecision, runtime: .lean))
    #expect(decision?.description == "user space, per decision")
    #expect(SteeringScheme("dummy")?.kind == .dummy)
    #expect(
      SteeringScheme("onnx-2500us")?.kind == .userSpace(.every(.microseconds(2500)), runtime: .onnx))
    for name in ["", "User", "user-", "user-soon", "user-0ms", "other-1ms", "bad name"] {
      #expect(SteeringScheme(name) == nil, "\(name)")
    }
  }

  @Test("the kernel's DCTCP is refused by its name where the kernel has none, and our own is not")
  func kernelDCTCP() throws {
    let scheme = try #require(SteeringScheme("dctcp-kernel"))
    #expect(scheme.kind == .kernelDCTCP && scheme.description == "the kernel's DCTCP")
    #expect(scheme.absence(in: ["reno", "dctcp"]) == nil)
    let absence = try #require(scheme.absence(in: ["reno", "cubic"]))
    #expect(absence.code == .missingCongestionControl && absence.message.contains("it lists reno, cubic"))
    #expect(SteeringScheme("dctcp")?.absence(in: ["reno"]) == nil)
    let reading = Marking.leftOut(absence)
    #expect(reading.values.isEmpty && reading.faults.isEmpty && reading.unmeasured.isEmpty)
    let run = StudyRun(StudyCell().with(Common.schemes, scheme), round: 0, reading)
    #expect(run.line([]).contains("left out: The kernel has no DCTCP of its own"))
  }

  @Test("what others still use is no leftover, and what nobody owns is")
  func leftovers() {
    let before = Leftovers(
      namespaces: [], instances: ["demo"], congestionControls: ["cubic"], disciplines: [])
    var after = before
    after.namespaces = ["medulla-12-1-client", "medulla-13-1-client"]
    after.instances.insert("fig812")
    after.congestionControls.insert("f11u13")
    after.disciplines = ["qdisc tbf 8001: dev lo root"]
    let left = after.beyond(before) { $0 == 13 }
    #expect(
      left == [
        "namespace medulla-12-1-client", "instance fig812", "queueing discipline qdisc tbf 8001: dev lo root",
      ]
    )
    #expect(after.beyond(after).isEmpty)
    #expect(Leftovers.process(in: "123") == nil && Leftovers.process(in: "tab77") == 77)
  }
}
