import CMedullaFabric
import MedullaSnapshot

/// How switches compute.
package enum FabricMode: String, Sendable, Codable, CaseIterable {
  /// As processors do it soonest: sums of three products to a multiplication.
  case fast
  /// As a match-action pipeline has to: shifts and additions, some products in a pass, then the cell goes round
  /// once more. Dense layers alone; for small networks, since a pass takes as long as a cell's arrival.
  case faithful
}

/// What a pass of a faithful layer takes.
package enum FaithfulPasses {
  /// Products of one pass; the paper (§3) has "few 10's of multiplications" in a traversal of a Tofino 2.
  package static let products = 16
  /// The header's field for passes has 16 bits.
  private static let mostPasses = 65_535

  /// Passes of one inference's cells through a layer.
  package static func passes(_ tensor: WireTensor, channels: Int) -> Int {
    tensor.cells.reduce(0) { $0 + count($1.elements.count * channels) }
  }

  private static func count(_ all: Int) -> Int { (all + products - 1) / products }

  /// - Throws: `badNetwork` where a stage has no faithful form.
  static func check(_ stage: Stage, input: WireTensor) throws(FabricError) {
    guard !stage.isConvolution else {
      throw FabricError(
        .badNetwork, "\(stage.name) is a convolution, and mode faithful has dense layers alone",
        remedy: "plan it with --mode fast")
    }
    let most = input.cells.map { count($0.elements.count * stage.channels) }.max() ?? 0
    guard most > mostPasses else { return }
    throw FabricError(
      .badNetwork,
      "a cell of \(stage.name) takes \(most) passes in mode faithful, and at most \(mostPasses) are counted",
      remedy: "plan it with --mode fast, or with smaller cells (`payload` of the topology file)")
  }
}

extension StageLowering {
  /// A dense layer by shifts and additions: weights one input after the other, with all of its neurons.
  func lowerFaithful(
    _ step: DenseStep, _ body: StageBody, _ number: Int, _ channels: Range<Int>, _ lowered: inout LoweredTask
  ) throws(FabricError) {
    let tensor = tensors[number]
    let terms = try DenseTerms(body, step, inputs: stages[number].inputs)
    lowered.task.kind = UInt64(FABRIC_FAITHFUL.rawValue)
    lowered.task.products = UInt64(FaithfulPasses.products)
    for channel in channels {
      lowered.biases.append(body.parameters.bias[channel])
      lowered.multipliers.append(body.parameters.multipliers[channel])
    }
    var offset = 0
    for indices in tensor.cells.map({ tensor.indices(of: $0) }) {
      var place = fabric_place()
      place.offset = UInt64(offset)
      place.bytes = UInt64(indices.count * tensor.elementBytes)
      (place.run, place.pitch) = (place.bytes, place.bytes)
      place.terms = UInt64(indices.count)
      place.weights = UInt64(lowered.weights.count * 8)
      place.turn = UInt64(lowered.places.count)
      lowered.places.append(place)
      lowered.task.terms += UInt64(indices.count)
      offset += (indices.count * tensor.elementBytes + 7) / 8 * 8
      for element in indices { lowered.weights += channels.map { terms.weight($0, element) } }
    }
    lowered.inputBytes = offset
    // A register and a counter for each neuron.
    lowered.sumBytes = channels.count * 16
  }
}
