import Foundation
import MedullaBase

/// The network of file types that Python's package magika carries, on an engine.
///
/// A file's answer is what that package says of it: the same bytes are shown to the same network, and the
/// same rule follows. One caller at a time.
package final class FileTypeModel {
  /// Files of one run.
  package static let batchLimit = 64

  package let configuration: FileTypeConfiguration
  private let mode: FileTypeMode
  private let model: any LoadedModel
  private let rows: TensorBuffer
  private let scores: TensorBuffer

  /// - Parameters:
  ///   - folder: has `model.onnx` and `config.min.json`; `content_types_kb.min.json` lies there too, or
  ///     where the package has it.
  ///   - engine: one whose tensors are in host memory.
  /// - Throws: `badModel`, and what the engine says.
  package init(
    _ folder: String, on engine: any Engine, options: EngineOptions = EngineOptions(),
    mode: FileTypeMode = .highConfidence
  ) throws(EngineError) {
    let name = "content_types_kb.min.json"
    let beside = "\(folder)/\(name)"
    configuration = try FileTypeConfiguration(
      contentsOf: "\(folder)/config.min.json",
      knowledge: FileManager.default.fileExists(atPath: beside) ? beside : "\(folder)/../../config/\(name)")
    self.mode = mode
    model = try engine.load(.file("\(folder)/model.onnx"), options: options)
    let (width, types) = (configuration.rowSize, configuration.types.count)
    guard engine.device == .host, model.inputs.count == 1, model.outputs.count == 1,
      model.inputs[0].element == .int32, model.inputs[0].takes([1, width]),
      model.outputs[0].element == .float32, model.outputs[0].takes([1, types])
    else {
      let tensors = (model.inputs + model.outputs).map(\.text).joined(separator: "; ")
      throw EngineError(
        .badModel, "\(folder) has a network that does not fit its configuration", cause: tensors,
        remedy: "rows of \(width) int32 in host memory go in, and \(types) float32 come out")
    }
    rows = TensorBuffer(.int32, [Self.batchLimit, width])
    scores = TensorBuffer(.float32, [Self.batchLimit, types])
  }

  /// The folder of the network in Python's package magika; nil where it is not installed.
  package static func packaged(_ search: EngineSearch = EngineSearch()) -> String? {
    for folder in search.package("magika/models") {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      if let name = names.filter({ $0.hasPrefix("standard_") }).max() { return "\(folder)/\(name)" }
    }
    return nil
  }

  /// What a whole file is.
  package func identify(_ bytes: UnsafeRawBufferPointer) throws(EngineError) -> FileTypeAnswer {
    switch FileTypeFeatures(bytes, configuration) {
    case .known(let answer): return answer
    case .row(let row):
      put(row, at: 0)
      try run(1)
      return answer(at: 0)
    }
  }

  /// What each of several files is, in their order.
  package func identify(_ files: [FileTypeFeatures]) throws(EngineError) -> [FileTypeAnswer] {
    var answers: [FileTypeAnswer] = []
    var waiting: [Int] = []
    for (index, file) in files.enumerated() {
      switch file {
      case .known(let answer): answers.append(answer)
      case .row(let row):
        put(row, at: waiting.count)
        waiting.append(index)
        // Takes the place until the network has answered.
        answers.append(FileTypeAnswer(FileTypeAnswer.unknown))
      }
      if waiting.count == Self.batchLimit || (index == files.count - 1 && !waiting.isEmpty) {
        try run(waiting.count)
        for (place, index) in waiting.enumerated() { answers[index] = answer(at: place) }
        waiting.removeAll(keepingCapacity: true)
      }
    }
    return answers
  }

  private func put(_ row: [Int32], at place: Int) {
    let size = configuration.rowSize * 4
    precondition(row.count * 4 == size, "a row is of this configuration")
    row.withUnsafeBytes { source in
      UnsafeMutableRawBufferPointer(rebasing: rows.bytes[place * size..<(place + 1) * size])
        .copyMemory(from: source)
    }
  }

  private func run(_ count: Int) throws(EngineError) {
    var (input, output) = (rows.view, scores.view)
    input.shape[0] = count
    output.shape[0] = count
    try model.run(inputs: [input], outputs: [output])
  }

  private func answer(at place: Int) -> FileTypeAnswer {
    let count = configuration.types.count
    let all = UnsafeRawBufferPointer(scores.bytes).bindMemory(to: Float.self)
    return configuration.answer(
      UnsafeBufferPointer(rebasing: all[place * count..<(place + 1) * count]), mode: mode)
  }
}
