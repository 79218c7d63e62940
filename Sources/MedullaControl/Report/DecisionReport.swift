import MedullaBase
import MedullaCompile
import MedullaDatapath
import MedullaSnapshot

/// A recorded decision, told with its features, sums and answer: recomputed by the snapshot that made it.
package struct DecisionReport: Sendable, Codable, Equatable {
  package struct Input: Sendable, Codable, Equatable {
    package let name: String
    /// In the network's units.
    package let value: Double
    /// As the network was asked: fixed point.
    package let word: Int64
  }

  package struct Layer: Sendable, Codable, Equatable {
    package let kind: String
    /// Before the activation; absent where a step has none.
    package let sums: [Int64]?
    package let outputs: [Int64]
  }

  package struct Output: Sendable, Codable, Equatable {
    package let label: String
    package let value: Double
    package let word: Int64
  }

  /// Of the flow in the instance, and of the snapshot that decided.
  package let flow: UInt64
  package let version: UInt64
  /// The flow for people.
  package let who: String
  /// Of the snapshot's file, in hexadecimal.
  package let digest: String
  /// Seconds since 1970.
  package let time: Double
  package let inputs: [Input]
  package let layers: [Layer]
  package let outputs: [Output]
  /// What the function knew of the flow, by the names of its outcomes.
  package let outcomes: [String: Int64]
  /// The label of the largest output, and how far the next one is behind; where outputs are of no classes
  /// what the function has made of them, and no margin.
  package let answer: String
  package let margin: Double?
  /// Whether the snapshot gives the recorded outputs again, to the bit.
  package let isReproduced: Bool

  enum CodingKeys: String, CodingKey {
    case flow, version, who, digest, time, inputs, layers, outputs, outcomes, answer, margin
    case isReproduced = "reproduced"
  }

  /// - Throws: `history` when the snapshot takes another number of features than were recorded.
  package init(
    _ decision: RecordedDecision, by file: SnapshotFile
  ) throws(ControlError) {
    let shape = file.snapshot.shape
    guard decision.features.count == shape.inputs else {
      throw ControlError(
        .history,
        "the decision has \(decision.features.count) features, and snapshot \(decision.version) takes "
          + "\(shape.inputs)")
    }
    let interpreter = ReferenceInterpreter(file.snapshot)
    let trace = interpreter.trace(features: decision.features)
    let given = trace.last ?? []
    flow = decision.flow
    version = decision.version
    digest = file.digest
    time = decision.time
    inputs = zip(decision.features, shape.values(ofFeatures: decision.features)).enumerated().map {
      place, pair in
      Input(
        name: shape.flows?.features[place].description ?? "feature \(place)", value: Double(pair.1),
        word: pair.0)
    }
    layers = zip(zip(shape.steps, interpreter.sums(features: decision.features)), trace.dropFirst()).map {
      Layer(kind: $0.0.kind, sums: $0.1, outputs: $1)
    }
    let labels = shape.flows?.labels ?? []
    let values = shape.values(ofOutputs: given)
    outputs = given.indices.map { place in
      Output(
        label: labels.indices.contains(place) ? labels[place] : "output \(place)", value: values[place],
        word: given[place])
    }
    let names = FunctionList.all[decision.kind]?.outcomes.map(\.name) ?? []
    outcomes = Dictionary(zip(names, decision.outcomes), uniquingKeysWith: { first, _ in first })
    who = decision.flowText
    if let words = FunctionList.all[decision.kind]?.answer(
      outputs: values.map { Double($0) }, outcomes: decision.outcomes,
      fractionBits: decision.outputFractionBits)
    {
      (answer, margin) = (words, nil)
    } else if labels.isEmpty {
      (answer, margin) = (
        outputs.map { "\($0.label) \(NumberText.short($0.value))" }.joined(separator: ", "), nil
      )
    } else {
      let first = ClassAnswer(given)
      (answer, margin) = (outputs[first.row].label, shape.values(ofOutputs: [first.margin])[0])
    }
    isReproduced = given == decision.outputs
  }

  /// For people.
  package var text: String {
    let short = digest.prefix(12)
    let number = "flow \(flow)"
    let head =
      "\(who == number ? who : "\(who), \(number),") was decided by snapshot \(version) (\(short)): \(answer)"
      + (margin.map { ", \(NumberText.short($0)) before the next" } ?? "")
    let inputTable = TextTable(
      columns: ["feature", "value", "fixed point"],
      rows: inputs.map { [$0.name, NumberText.short($0.value), String($0.word)] }, leaning: 1)
    let layerLines = layers.enumerated().map { place, layer in
      let sums = layer.sums.map { "sums \(Self.list($0)), " } ?? ""
      return "step \(place + 1), \(layer.kind): \(sums)outputs \(Self.list(layer.outputs))"
    }
    let outputTable = TextTable(
      columns: ["output", "value", "fixed point"],
      rows: outputs.map { [$0.label, NumberText.short($0.value), String($0.word)] }, leaning: 1)
    let check =
      isReproduced
      ? "recomputed: the same integers as in the datapath"
      : "RECOMPUTED OTHERWISE: the recorded outputs are not this snapshot's"
    return ([head, inputTable.text] + layerLines + [outputTable.text, check]).joined(separator: "\n")
  }

  private static func list(_ words: [Int64]) -> String { words.map(String.init).joined(separator: " ") }
}
