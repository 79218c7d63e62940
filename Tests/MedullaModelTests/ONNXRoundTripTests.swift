import Foundation
import InferenceCases
import MedullaBase
import MedullaModel
import Testing

@Suite("A network leaves as ONNX and comes back")
struct ONNXRoundTripTests {
  @Test("is equal after writing and reading", arguments: 1...20 as ClosedRange<UInt64>)
  func roundTrip(seed: UInt64) throws {
    for family in NetworkCases.families {
      var random = SeededGenerator(seed: seed)
      let network = try family.make(&random)
      let again = try ONNXReader.read(try ONNXWriter.data(network))
      #expect(try again == network.withoutIdleRearrangements(), "\(family.name), seed \(seed)")
    }
  }

  @Test("the same network gives the same bytes")
  func deterministic() throws {
    var random = SeededGenerator(seed: 7)
    let network = try NetworkCases.classifier(&random)
    #expect(try ONNXWriter.data(network) == ONNXWriter.data(network))
  }

  @Test("a network without layers becomes an Identity and comes back empty")
  func empty() throws {
    let network = try Network(name: "empty", inputShape: TensorShape([3]), layers: [])
    #expect(try ONNXReader.read(try ONNXWriter.data(network)) == network)
  }

  @Test("tensor names that look like ours do not collide")
  func collidingNames() throws {
    var random = SeededGenerator(seed: 8)
    let network = try Network(
      name: "n", inputName: "layer0.weight", outputName: "_layer0.output", inputShape: TensorShape([4]),
      layers: [NetworkCases.layer(4, 2, &random)])
    #expect(try ONNXReader.read(try ONNXWriter.data(network)) == network)
  }

  @Test("input and output of one name are refused")
  func sameNames() throws {
    let network = try Network(
      name: "n", inputName: "x", outputName: "x", inputShape: TensorShape([4]), layers: [])
    #expect(throws: ModelError.self) { try ONNXWriter.data(network) }
  }

  @Test(
    "a published network is read whole", .enabled(if: ProjectFiles.hasAurora, "../shared/data is missing"))
  func aurora() throws {
    let network = try ONNXReader.read(contentsOf: ProjectFiles.aurora.path)
    #expect(network.layers.map(\.kind) == ["dense", "tanh", "dense", "tanh", "dense"])
    #expect(network.layerShapes.map(\.count) == [32, 32, 16, 16, 1])
    #expect(network.parameterCount == 30 * 32 + 32 + 32 * 16 + 16 + 16 + 1)
    #expect(network.inputName == "observation")
    #expect(try ONNXReader.read(try ONNXWriter.data(network)) == network)
  }
}

extension Network {
  /// What reading makes of this network: a rearrangement that changes nothing is left out.
  fileprivate func withoutIdleRearrangements() throws -> Network {
    var kept: [Layer] = []
    var shape = inputShape
    for (layer, next) in zip(layers, layerShapes) {
      if case .rearrange(let rearrangement) = layer, next == shape,
        rearrangement.indices == Array(0..<shape.count)
      {
        continue
      }
      kept.append(layer)
      shape = next
    }
    return try Network(
      name: name, inputName: inputName, outputName: outputName, inputShape: inputShape, layers: kept)
  }
}
