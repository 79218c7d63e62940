import MedullaModel

/// The error after one step, as a part of the range of its float values.
public struct StepAccuracy: Hashable, Sendable, Codable {
  public let name: String
  /// The mean error against the float network: this step's and all before it.
  public let accumulated: Double
  /// The mean error against the float layers of this step run on the step's own integer inputs.
  public let own: Double

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
    let traces = samples.map { interpreter.trace(features: interpreter.fixedPoint($0)) }
    do {
      let floats = try samples.map { try FloatReference(network).trace($0) }
      var previous = (layer: -1, values: samples)
      var accuracies: [StepAccuracy] = []
      for (index, record) in records.enumerated() {
        let outputs = traces.map { trace in
          trace[index + 1].map { Float(Double($0) * record.outputScale) }
        }
        // A step that prepares for the next one, such as padding, has no float layer of its own.
        guard record.layer > previous.layer else {
          if record.layer == previous.layer, record.layer >= 0,
            outputs.first?.count == previous.values.first?.count
          {
            previous.values = outputs
          }
          continue
        }
        let local = try network.slice(previous.layer + 1...record.layer)
        let expected = try previous.values.map { try FloatReference(local).run($0) }
        let wanted = floats.map { $0[record.layer] }
        accuracies.append(
          StepAccuracy(
            name: record.name, accumulated: meanError(outputs, wanted, range: wanted),
            own: meanError(outputs, expected, range: wanted)))
        previous = (record.layer, outputs)
      }
      return accuracies
    } catch let error as ModelError {
      throw SnapshotError(.shapeMismatch, error.message, remedy: error.remedy)
    } catch {
      throw SnapshotError(.shapeMismatch, "\(error)")
    }
  }

  private static func meanError(_ values: [[Float]], _ wanted: [[Float]], range: [[Float]]) -> Double {
    let all = range.flatMap { $0 }
    let width = Double((all.max() ?? 0) - (all.min() ?? 0))
    var sum = 0.0
    var count = 0
    for (row, wantedRow) in zip(values, wanted) {
      for (value, want) in zip(row, wantedRow) {
        sum += abs(Double(value) - Double(want))
        count += 1
      }
    }
    return count == 0 ? 0 : sum / Double(count) / (width > 0 ? width : 1)
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
