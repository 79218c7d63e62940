import MedullaFabric
import Testing

@testable import MedullaControl

@Suite("Topology files")
struct TopologyFileTests {
  @Test("every key of a spine-leaf fabric is read")
  func fabric() throws {
    let file = try TopologyFile(
      text: """
        fabric: { leaves: 3, spines: 2, processors: 4, memory: 1MiB, rate: 40gbit }
        client: leaf2
        inferences: 4
        payload: 1024
        constraints:
          pin: [{ layer: conv1, switches: [leaf1, leaf3] }]
          forbid: [{ layer: dense1, switches: [leaf2] }, { layer: dense1, switches: [leaf1] }]
          colocate: [{ layers: [dense2, dense3] }]
          layers_per_switch: 2
        """, path: "f.yaml")
    var topology = FabricTopology.spineLeaf(
      leaves: 3, spines: 2, processors: 4, memoryBytes: 1 << 20, gigabitsPerSecond: 40)
    topology.client = "leaf2"
    #expect(file.topology == topology && file.inferences == 4 && file.cells.payloadBytes == 1_024)
    #expect(file.constraints.pinned == ["conv1": ["leaf1", "leaf3"]])
    #expect(file.constraints.forbidden == ["dense1": ["leaf1", "leaf2"]])
    #expect(file.constraints.colocated == [["dense2", "dense3"]] && file.constraints.mostStages == 2)
  }

  @Test("a fabric of its own is read, with the client at the first switch that computes")
  func own() throws {
    let file = try TopologyFile(
      text: """
        switches:
          - { name: core }
          - { name: edge, processors: 2, memory: 2MiB }
        links:
          - { ends: [core, edge], rate: 100mbit }
        """, path: "f.yaml")
    #expect(file.topology.client == "edge" && file.topology.computing.map(\.name) == ["edge"])
    #expect(file.topology.links == [FabricTopology.Link("core", "edge", gigabitsPerSecond: 0.1)])
  }

  @Test(
    "what is wrong is told with its place",
    arguments: [
      ("- a", "is no topology"), ("{}", "needs the key fabric"), ("fabric: {leaves: 0}", "from 1 to 128"),
      ("fabric: {rate: 3}", "must be a string"), ("fabric: {rate: fast}", "must be a rate"),
      ("fabric: {memory: 1B}", "size"), ("fabric: {spine: 2}", "did you mean spines?"),
      ("fabric: {}\nswitches: []", "leave out switches"), ("fabric: {}\nclient: x", "x, which is no switch"),
      ("switches: [{name: a, processors: 1}]\nlinks: [{ends: [a]}]", "a list of two switches"),
      ("switches: [{processors: 1}]", "needs the key name"),
      ("fabric: {}\nconstraints: {pin: [{layer: conv1}, {layer: conv1}]}", "pinned twice"),
      ("fabric: {}\ninferences: 0", "from 1 to 64"), ("fabric: {}\npayload: 9000", "from 128 to 1400"),
      ("fabric: {}\nconstraints: {layers_per_switch: 0}", "from 1 to 256"), ("fabric: {}\nx: 1", "unknown"),
    ])
  func wrong(_ text: String, _ words: String) {
    let error = #expect(throws: ControlError.self) { try TopologyFile(text: text, path: "f.yaml") }
    #expect(error?.code == .badConfiguration && error?.remedy.contains("topology-file.md") == true)
    let message = error?.message ?? ""
    #expect(message.hasPrefix("f.yaml:") && message.contains(words), "\(message)")
  }
}
