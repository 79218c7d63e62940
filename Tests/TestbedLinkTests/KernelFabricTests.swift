import Foundation
import MedullaBase
import TestbedCases
import Testing

@testable import TestbedLink

/// A fabric of namespaces carries packets as its plan says, and goes when its owner does.
extension RealLinks {
  @Suite(.enabled(if: TestHost.canEmulateLinks, "\(TestHost.needsLinks)"))
  struct KernelFabricTests {
    /// Whether an answer comes from a host by an address of a kind, to the host's own of that kind.
    private static func reaches(
      _ fabric: Fabric, _ host: Int, _ other: Int, _ kind: FabricAddress, tries: Int = 1
    ) -> Bool {
      (0..<tries).contains { _ in
        let (own, address) = (fabric.address(host, kind), fabric.address(other, kind))
        let command = ["ping", "-c1", "-W1", "-s1000", "-I", own, address]
        return (try? ChildProcess.run(fabric.host(host).entering(command))) != nil
      }
    }

    @Test("each host reaches the others by all their addresses, and nothing is left behind")
    func reaches() throws {
      let names = try Fabric.with(FabricPlan()) { fabric in
        #expect(fabric.names.count == 12)
        for kind in FabricAddress.all(fabric.plan) {
          for other in [1, 4, 7] {
            #expect(Self.reaches(fabric, 0, other, kind), "host \(other), \(kind)")
          }
        }
        return fabric.names
      }
      for name in names { #expect(!FileManager.default.fileExists(atPath: "/run/netns/\(name)")) }
    }

    @Test("packets take both spines, the living one when one is dead, and both again")
    func spines() throws {
      try Fabric.with(FabricPlan()) { fabric in
        func visit(tries: Int) -> Bool {
          (0..<4).allSatisfy { host in
            (4..<8).allSatisfy { Self.reaches(fabric, host, $0, .client, tries: tries) }
          }
        }
        #expect(visit(tries: 1))
        let both = try fabric.bytesToSpines(fromLeaf: 0)
        #expect(both.allSatisfy { $0 > 1_000 }, "\(both)")
        try fabric.kill(spine: 0)
        try fabric.kill(spine: 0)
        #expect(visit(tries: 4))
        #expect(!Self.reaches(fabric, 0, 5, .via(spine: 0)))
        #expect(Self.reaches(fabric, 0, 5, .via(spine: 1)))
        let one = try fabric.bytesToSpines(fromLeaf: 0)
        #expect(visit(tries: 1))
        let later = try fabric.bytesToSpines(fromLeaf: 0)
        #expect(later[0] == one[0] && later[1] >= one[1] + 16_000, "\(one) \(later)")
        try fabric.restore(spine: 0)
        #expect(TestHost.becomes { Self.reaches(fabric, 0, 5, .via(spine: 0)) })
        let kept = try fabric.bytesToSpines(fromLeaf: 0)
        #expect(visit(tries: 2))
        let again = try fabric.bytesToSpines(fromLeaf: 0)
        #expect(again[0] > kept[0] + 1_000, "\(kept) \(again)")
      }
    }

    @Test("a fabric that cannot be made leaves nothing")
    func fails() throws {
      var plan = FabricPlan()
      plan.retransmitMilliseconds = 0
      #expect(throws: TestbedError.self) { try Fabric(plan) }
      plan = FabricPlan()
      // Two bands with one code point.
      plan.marks = [0, 0]
      #expect(throws: TestbedError.self) { try Fabric(plan) }
      #expect(!TestHost.namespaces(of: getpid()).contains { $0.hasSuffix("spine0") })
    }
  }
}

/// What a fabric is made of, before anything is made.
@Suite("The plan of a fabric")
struct FabricPlanTests {
  @Test("a host has an address of each kind, and one for each spine")
  func addresses() {
    let plan = FabricPlan()
    #expect(FabricAddress.client.text(5, plan) == "10.80.1.2")
    #expect(FabricAddress.via(spine: 1).text(0, plan) == "10.82.0.1")
    #expect(Set(FabricAddress.all(plan).map { $0.text(3, plan) }).count == 4)
  }

  @Test("a port has a class for each band, with its code point, or one for all")
  func ports() {
    var plan = FabricPlan()
    #expect(FabricCommands(plan: plan).ports(.host(0)).filter { $0.contains("bfifo") }.count == 1)
    plan.marks = [46, 26, 0]
    let lines = FabricCommands(plan: plan).ports(.host(0))
    #expect(lines.filter { $0.contains("bfifo") }.count == 3)
    #expect(lines.contains { $0.hasSuffix("dsfield 0xb8 0xfc flowid 1:1") })
  }
}
