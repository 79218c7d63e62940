import Foundation
import MedullaBase
import MedullaSnapshot

/// All that a client needs to ask a network on a fabric, in any language: `client.json` beside the network's
/// plan (docs/reference/fabric-client.md). It does not tell the epoch: that is the state's.
package struct ClientDescription: Sendable, Equatable, Codable {
  package static let version = 2
  package static let fileName = "client.json"

  /// How features enter: x = ((cut(f − low) · multiplier + bias) >> shift, by feature.
  package struct Features: Sendable, Equatable, Codable {
    package let low: [Int64]
    package let width: [Int64]
    package let multiplier: [Int64]
    package let bias: [Int64]
    package let shift: Int
    package let fractionBits: Int
  }

  package let version: Int
  package let name: String
  package let model: Int
  /// Inferences that a client can have on their way at once: inference number modulo this is its slot.
  package let slots: Int
  package let clients: Int
  package let stages: Int
  package let payloadBytes: Int
  /// Of an activation in a cell, little-endian.
  package let elementBytes: Int
  package let inputs: Int
  package let outputs: Int
  package let features: Features
  /// Which features each cell of inputs has, in their order.
  package let inputCells: [[Int]]
  /// Which outputs each cell of the answer has, as 64-bit little-endian integers.
  package let answerCells: [[Int]]
  package let outputFractionBits: Int
  /// Where the network ends with argmax: its output divided by this is the class.
  package let labelUnit: Int64?

  package init(_ lowering: StageLowering, _ model: FabricState.Model, room: InstalledTask.Room) {
    let shape = lowering.snapshot.shape
    let scalings = lowering.snapshot.parameters.features
    let (first, last) = (lowering.tensors[0], lowering.tensors[lowering.tensors.count - 1])
    version = Self.version
    name = model.name
    self.model = model.number
    slots = room.slots
    clients = room.clients
    stages = lowering.stages.count
    payloadBytes = lowering.cells.payloadBytes
    elementBytes = first.elementBytes
    inputs = shape.inputs
    outputs = last.elementCount
    features = Features(
      low: scalings.map(\.low), width: scalings.map(\.width), multiplier: scalings.map(\.multiplier),
      bias: scalings.map(\.bias), shift: shape.featureShift, fractionBits: shape.featureFractionBits)
    inputCells = first.cells.map { first.indices(of: $0) }
    answerCells = last.cells.map { last.indices(of: $0) }
    outputFractionBits = shape.outputFractionBits
    if case .argmax(let step)? = shape.steps.last { labelUnit = step.unit } else { labelUnit = nil }
  }

  private static let byteLimit = 256 << 20

  static func path(_ folder: String) -> String { "\(folder)/\(fileName)" }

  /// - Throws: `notRunning` when it is not there: the network has gone.
  static func read(_ folder: String) throws(FabricError) -> ClientDescription {
    let path = path(folder)
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      return try JSONDecoder().decode(Self.self, from: try handle.read(upToCount: byteLimit) ?? Data())
    } catch {
      throw FabricError(
        .notRunning, "\(path) cannot be read", cause: error.localizedDescription,
        remedy: "`medulla fabric status` shows which networks there are")
    }
  }

  /// Features in the network's units as fixed point.
  package func fixedPoint(_ values: [Float]) -> [Int64] {
    values.map { ProgramShape.fixedPoint(Double($0), fractionBits: features.fractionBits) }
  }

  /// Outputs in the network's units.
  package func values(of outputs: [Int64]) -> [Double] {
    let unit = Double(sign: .plus, exponent: -outputFractionBits, significand: 1)
    return outputs.map { Double($0) * unit }
  }

  /// The class that outputs name: what argmax says, else the place of the largest.
  package func label(of outputs: [Int64]) -> Int {
    if let labelUnit { return Int(outputs[0] / max(labelUnit, 1)) }
    return outputs.indices.max { (outputs[$0], $1) < (outputs[$1], $0) } ?? 0
  }

  package func write(to folder: String) throws(FabricError) {
    do {
      try Data(JSONText.encode(self, keys: .asNamed).utf8)
        .write(to: URL(fileURLWithPath: "\(folder)/\(Self.fileName)"), options: .atomic)
    } catch {
      throw FabricError(
        .system, "\(folder)/\(Self.fileName) cannot be written", cause: error.localizedDescription)
    }
  }
}
