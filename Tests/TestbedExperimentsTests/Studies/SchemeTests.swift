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
    #expect(SteeringScheme("user-ack")?.kind == .userSpace(interval: nil, runtime: .lean))
    #expect(
      SteeringScheme("onnx-2500us")?.kind == .userSpace(interval: .microseconds(2500), runtime: .onnx))
    for name in ["", "User", "user-", "user-soon", "user-0ms", "other-1ms", "bad name"] {
      #expect(SteeringScheme(name) == nil, "\(name)")
    }
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
