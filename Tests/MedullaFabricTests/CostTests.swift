import MedullaFabric
import Testing

@Suite("What layers take of a switch's pipelines")
struct CostTests {
  private static let node = PipelineSwitch()

  @Test("the printed operations of all layers take 1.518 ms where all pipelines are busy")
  func rate() {
    let operations = LayerCount.printed.reduce(0) { $0 + $1.operations }
    #expect(operations == 91_086_653)
    #expect(abs(Self.node.computeSeconds(operations: Double(operations)) - 1.518e-3) < 1e-6)
    // The paper's "less than 1,000,000" of conv2.
    #expect(Self.node.passes(operations: 37_347_648) == 933_692)
  }

  @Test("fewer packets than a pipeline holds make an inference alone slower by as much")
  func alone() {
    #expect(abs(Self.node.busyPackets - 600) < 1e-6)
    let busy = Self.node.computeSeconds(operations: 4e6)
    #expect(abs(Self.node.aloneSeconds(operations: 4e6, packets: 1_200) - busy) < 1e-12)
    #expect(abs(Self.node.aloneSeconds(operations: 4e6, packets: 60) / busy - 10) < 1e-6)
    #expect(
      abs(Self.node.recirculationSeconds(operations: 4e6, frameBytes: 112) - 1e5 * 132 * 8 / 3.2e12) < 1e-12)
  }

  @Test("layers that are counted of a shape are the paper's, but for its slips")
  func counted() throws {
    let counted = try Stage.all(of: Shapes.miniAlexNet).map { LayerCount($0) }
    #expect(counted.map(\.name) == LayerCount.printed.map(\.name))
    for (own, printed) in zip(counted, LayerCount.printed) where own.name != "conv3" {
      #expect(own.parameters == printed.parameters)
    }
    #expect(counted[2].parameters == 663_936 && LayerCount.printed[2].parameters == 663_939)
  }
}
