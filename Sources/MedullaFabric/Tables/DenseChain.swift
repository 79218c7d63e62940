import MedullaSnapshot

/// A network as dense layers with functions of single elements between them: what tables are made of.
///
/// What rearranges elements and what maps them one by one can change places, so each layer has one of either.
struct DenseChain {
  struct Link {
    /// By element, which output of the layer before it is; of the first layer, which feature.
    var sources: [Int]
    /// Steps that map each element, in order.
    var maps: [Int] = []
  }

  struct Layer {
    let name: String
    let step: Int
    let dense: DenseStep
    let parameters: LinearParameters
    /// What its inputs are.
    let inputs: Link
  }

  let layers: [Layer]
  /// What the network's outputs are, of those of the last layer.
  let end: Link
  /// The outputs are the number of the largest one.
  let argmax: ArgmaxStep?

  /// - Throws: `badNetwork` that names the first step that tables do not compute.
  init(_ snapshot: Snapshot) throws(FabricError) {
    var layers: [Layer] = []
    var link = Link(sources: Array(0..<snapshot.shape.inputs))
    var argmax: ArgmaxStep?
    for (index, step) in snapshot.shape.steps.enumerated() {
      switch (step, snapshot.parameters.steps[index]) {
      case (.dense(let dense), .linear(let parameters)) where argmax == nil:
        layers.append(
          Layer(
            name: "dense\(layers.count + 1)", step: index, dense: dense, parameters: parameters,
            inputs: link))
        link = Link(sources: Array(0..<dense.outputs))
      case (.map, _) where argmax == nil: link.maps.append(index)
      case (.gather(let gather), _) where argmax == nil:
        link.sources = gather.indices.map { [sources = link.sources] in sources[$0] }
      case (.argmax(let step), _) where argmax == nil: argmax = step
      default:
        throw FabricError(
          .badNetwork, "no table computes step \(index) (\(step.kind)) of the network",
          remedy: "tables are made of dense layers with functions of single elements between them, and an "
            + "argmax at the end")
      }
    }
    guard !layers.isEmpty else {
      throw FabricError(
        .badNetwork, "the network has no dense layer", remedy: "`medulla inspect` shows its steps")
    }
    (self.layers, end, self.argmax) = (layers, link, argmax)
  }
}

/// What an input of a layer's tables stands for: the activation that the integer network has there.
struct InputMeaning {
  private enum Origin {
    case features
    /// Of the layer before, as tables.
    case sums(TableLayer, step: Int)
  }

  private let interpreter: ReferenceInterpreter
  private let ranges: [ClosedRange<Int64>]
  private var origin = Origin.features

  /// - Throws: `badNetwork` where the snapshot's proof fails.
  init(_ interpreter: ReferenceInterpreter) throws(FabricError) {
    self.interpreter = interpreter
    do throws(SnapshotError) {
      ranges = try interpreter.snapshot.ranges()
    } catch {
      throw FabricError(.badNetwork, error.message, cause: error.cause, remedy: error.remedy)
    }
  }

  /// From now on inputs are the sums of a layer.
  mutating func follow(_ layer: TableLayer, of step: Int) { origin = .sums(layer, step: step) }

  /// The activation of an input after the maps of a link.
  func activation(of input: Int64, source: Int, maps: [Int]) -> Int64 {
    let snapshot = interpreter.snapshot
    let first: Int64
    switch origin {
    case .features:
      let scaling = snapshot.parameters.features[source]
      first = scaling.apply(scaling.low &+ input, shift: snapshot.shape.featureShift)
    case .sums(let layer, let step):
      // Approximated sums may be larger than any that is proven; what follows is proven for those alone.
      let largest = snapshot.proofs.first { $0.step == step }?.largestProduct ?? 0
      let shift = Int64(snapshot.shape.steps[step].epilogue?.shift ?? 0)
      let v = layer.value(of: input, at: source).cut(to: (-largest >> shift)...(largest >> shift))
      first = interpreter.function(ofStep: step, at: v).cut(to: ranges[step + 1])
    }
    return maps.reduce(first) { x, index in
      guard case .map(let map) = snapshot.parameters.steps[index],
        let epilogue = snapshot.shape.steps[index].epilogue
      else { return x }
      let v = ((x + map.bias) * map.multiplier) >> Int64(epilogue.shift)
      return interpreter.function(ofStep: index, at: v)
    }
  }
}

extension Int64 {
  func cut(to range: ClosedRange<Int64>) -> Int64 {
    Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}
