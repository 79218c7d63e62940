import MedullaFrames
import MedullaLearning

/// A batch on the wire: one row, or one element, for each sample in every tensor.
enum BatchFrame {
  /// - Throws: `AdapterFailure` with `badRequest` when samples differ in their sizes or from the network's.
  static func encode(
    _ batch: Batch, inputs: Int, outputs: Int, outcomes: [String]
  ) throws(AdapterFailure) -> TensorFrame {
    let width = batch.samples.first?.outcomes.count ?? outcomes.count
    for sample in batch.samples {
      guard sample.features.count == inputs, sample.outputs.count == outputs, sample.outcomes.count == width
      else {
        throw AdapterFailure(
          .badRequest,
          "a sample of \(sample.features.count) features, \(sample.outputs.count) outputs and "
            + "\(sample.outcomes.count) outcomes; the network has \(inputs) and \(outputs), "
            + "the first sample \(width) outcomes")
      }
    }
    let samples = batch.samples
    return TensorFrame(
      [
        "request": "adapt", "samples": FrameValue(samples.count), "dropped": .number(Double(batch.dropped)),
      ],
      tensors: [
        FrameTensor("features", rows: batch.inputs, width: inputs),
        FrameTensor("outputs", rows: batch.outputs, width: outputs),
        FrameTensor("outcomes", rows: samples.map { $0.outcomes.map { Float($0) } }, width: width),
        FrameTensor("id", words: samples.map(\.id)),
        FrameTensor("flow", words: samples.map(\.flow)),
        FrameTensor("version", words: samples.map(\.version)),
        FrameTensor("time", words: samples.map(\.nanoseconds)),
      ])
  }
}
