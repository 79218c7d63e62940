import MedullaFabric
import Testing

@Suite("What a fabric's links tell")
struct WatchTests {
  @Test("a link that is silent for too long is gone, and comes back with a sign")
  func silence() {
    var health = LinkHealth(links: 3, patience: .milliseconds(150), at: .zero)
    for link in [0, 2] { health.hear(link, at: .milliseconds(100)) }
    #expect(health.gone(at: .milliseconds(150)).isEmpty)
    #expect(health.gone(at: .milliseconds(151)) == [1])
    #expect(health.gone(at: .milliseconds(250)) == [1])
    health.hear(1, at: .milliseconds(260))
    #expect(health.gone(at: .milliseconds(270)) == [0, 2])
  }

  @Test("a switch's links fall silent one by one, and nothing is decided before it is clear of them all")
  func silenceOfSome() {
    var health = LinkHealth(links: 4, patience: .milliseconds(150), at: .zero)
    for link in [1, 2, 3] { health.hear(link, at: .milliseconds(20)) }
    health.hear(3, at: .milliseconds(130))
    #expect(health.gone(at: .milliseconds(155)) == [0] && health.isDeciding(at: .milliseconds(155)))
    health.hear(2, at: .milliseconds(160))
    #expect(health.gone(at: .milliseconds(171)) == [0, 1] && !health.isDeciding(at: .milliseconds(171)))
    // What is doubtful for longer is not waited for.
    for time in [200, 230] { health.hear(3, at: .milliseconds(time)) }
    #expect(health.isDeciding(at: .milliseconds(224)) && !health.isDeciding(at: .milliseconds(250)))
    // A link that has been gone for long hides no other that goes.
    health.hear(2, at: .milliseconds(900))
    health.hear(3, at: .milliseconds(950))
    health.hear(1, at: .milliseconds(880))
    #expect(health.gone(at: .milliseconds(1_045)) == [0, 1] && health.isDeciding(at: .milliseconds(1_045)))
  }

  @Test("where nothing at all is heard, it is the watcher that did not run")
  func nothing() {
    let health = LinkHealth(links: 3, patience: .milliseconds(150), at: .zero)
    #expect(health.gone(at: .seconds(9)).isEmpty)
  }

  @Test("each link has a probe that ends with it, from the clients' switch on, and a label of its own")
  func probes() throws {
    let topology = FabricTopology.spineLeaf(leaves: 8, spines: 4, processors: 1)
    let probes = try LinkProbes(topology).probes
    #expect(probes.count == 32)
    #expect(Set(probes.map { [$0.epoch, $0.label] }).count == 32)
    for (probe, link) in zip(probes, topology.links) {
      #expect(probe.path.first == "leaf1")
      #expect(Set(probe.path.suffix(2)) == [link.one, link.other])
    }
    let many = FabricTopology.spineLeaf(leaves: 40, spines: 4, processors: 1)
    #expect(throws: FabricError.self) { try LinkProbes(many) }
  }
}
