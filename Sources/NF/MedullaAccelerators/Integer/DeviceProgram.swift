import MedullaModel
import MedullaSnapshot

/// A snapshot as `integer_network.cuh` reads it: a head, the steps, then what they refer to, in words of 8
/// bytes. All kinds of steps are there.
package struct DeviceProgram: Sendable {
  package let words: [Int64]
  package let inputs: Int
  package let outputs: Int
  /// Elements of the largest tensor.
  package let widest: Int

  /// Bytes of a program.
  package static let byteLimit = 256 << 20
  static let headWords = 8
  static let stepWords = 32

  /// `enum kind`, `enum function` and `enum pool_kind`.
  enum Kind: Int64 { case dense, convolution, pad, pool, gather, map, softmax, argmax }
  enum Function: Int64 { case identity, clamp, leaky, table }
  enum PoolKind: Int64 { case maximum, average, averageCountingPadding }

  /// - Throws: `unsuitable` where it is too large.
  package init(_ snapshot: Snapshot) throws(AcceleratorError) {
    let shape = snapshot.shape
    var writer = DeviceProgramWriter(steps: shape.steps.count)
    let tables = zip(shape.tables, snapshot.parameters.tables).map { writer.add(table: $0, lines: $1) }
    let features = writer.end
    for feature in snapshot.parameters.features {
      writer.words += [feature.low, feature.width, feature.multiplier, feature.bias]
    }
    for (index, (step, data)) in zip(shape.steps, snapshot.parameters.steps).enumerated() {
      writer.add(step, data, at: index, tables: tables)
      guard writer.words.count * 8 <= Self.byteLimit else {
        throw AcceleratorError(
          .unsuitable, "\(snapshot.record.networkName) is too large for an accelerator's integer kernel",
          cause: "more than \(Self.byteLimit) bytes", remedy: "run it on the CPU")
      }
    }
    inputs = shape.inputs
    outputs = shape.outputs
    widest = shape.steps.reduce(shape.inputs) { max($0, $1.inputCount, $1.outputCount) }
    let head = [
      inputs, outputs, shape.featureShift, shape.steps.count, Self.headWords, features, widest, 0,
    ]
    writer.words.replaceSubrange(0..<Self.headWords, with: head.map(Int64.init))
    words = writer.words
  }
}
