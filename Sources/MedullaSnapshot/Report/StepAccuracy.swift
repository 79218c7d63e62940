import MedullaModel

/// The error after one step, as a part of the range of its float values.
package struct StepAccuracy: Hashable, Sendable, Codable {
  package let name: String
  /// The mean error against the float network: this step's and all before it.
  package let accumulated: Double
  /// The mean error against the float layers of this step run on the step's own integer inputs.
  package let own: Double

  /// Samples that the per-step measurement looks at.
  static let sampleLimit = 128

  static func measure(
    _ snapshot: Snapshot, _ network: Network, samples: [[Float]]
  ) throws(SnapshotError) -> [StepAccuracy] {
    let records = snapshot.record.steps
    guard records.count == snapshot.shape.steps.count,
      records.allSatisfy({ $0.layer < network.layers.count })
    else {
      throw SnapshotError(.shapeMismatch, "the snapshot was made of another network")
    }
    let interpreter = ReferenceInterpreter(snapshot)
    let reference = FloatReference(network)
    do throws(ModelError) {
      var stages = try Stage.all(snapshot, network)
      for sample in samples {
        let trace = interpreter.trace(features: interpreter.fixedPoint(sample))
        let floats = try reference.trace(sample)
        for index in stages.indices { try stages[index].add(sample, trace, floats) }
      }
      return stages.map(\.accuracy)
    } catch {
      throw SnapshotError(.shapeMismatch, error.message, remedy: error.remedy)
    }
  }
}

/// One step with float layers of its own, and its errors over the samples so far.
private struct Stage {
  /// A tensor of integers and what an integer of 1 is worth; `nil` for the float input itself.
  struct Place {
    let tensor: Int
    let scale: Double

    func values(of trace: [[Int64]]) -> [Float] { trace[tensor].map { Float(Double($0) * scale) } }
  }

  let record: StepRecord
  let from: Place?
  let to: Place
  /// The float layers of this step.
  let local: FloatReference
  private var accumulated = 0.0
  private var own = 0.0
  private var count = 0
  private var lowest = Float.infinity
  private var highest = -Float.infinity

  init(record: StepRecord, from: Place?, to: Place, local: Network) {
    self.record = record
    self.from = from
    self.to = to
    self.local = FloatReference(local)
  }

  static func all(_ snapshot: Snapshot, _ network: Network) throws(ModelError) -> [Stage] {
    var stages: [Stage] = []
    var layer = -1
    var from: Place?
    var elements = network.inputShape.count
    for (index, record) in snapshot.record.steps.enumerated() {
      let to = Place(tensor: index + 1, scale: record.outputScale)
      let outputs = snapshot.shape.steps[index].outputCount
      // A step that prepares for the next one, such as padding, has no float layer of its own.
      guard record.layer > layer else {
        if record.layer == layer, layer >= 0, outputs == elements { from = to }
        continue
      }
      guard outputs == network.layerShapes[record.layer].count else {
        throw ModelError(.shapeMismatch, "\(record.name) gives \(outputs) values, the network another number")
      }
      let local = try network.slice(layer + 1...record.layer)
      stages.append(Stage(record: record, from: from, to: to, local: local))
      layer = record.layer
      from = to
      elements = outputs
    }
    return stages
  }

  /// - Parameters:
  ///   - sample: the network's input.
  ///   - trace: the integers of every tensor.
  ///   - floats: the float output of every layer.
  mutating func add(_ sample: [Float], _ trace: [[Int64]], _ floats: [[Float]]) throws(ModelError) {
    let outputs = to.values(of: trace)
    let expected = try local.run(from?.values(of: trace) ?? sample)
    let wanted = floats[record.layer]
    for index in wanted.indices {
      let value = Double(outputs[index])
      accumulated += abs(value - Double(wanted[index]))
      own += abs(value - Double(expected[index]))
      lowest = min(lowest, wanted[index])
      highest = max(highest, wanted[index])
    }
    count += wanted.count
  }

  var accuracy: StepAccuracy {
    let width = count == 0 ? 0 : Double(highest) - Double(lowest)
    let divisor = width > 0 ? width : 1
    return StepAccuracy(
      name: record.name, accumulated: count == 0 ? 0 : accumulated / Double(count) / divisor,
      own: count == 0 ? 0 : own / Double(count) / divisor)
  }
}

extension Network {
  /// Some of the layers as a network of their own.
  fileprivate func slice(_ range: ClosedRange<Int>) throws(ModelError) -> Network {
    try Network(
      name: name, inputShape: range.lowerBound == 0 ? inputShape : layerShapes[range.lowerBound - 1],
      layers: Array(layers[range]))
  }
}
