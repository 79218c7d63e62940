import Foundation
import MedullaBase
import MedullaModel

/// How a network of file types is to be used: what magika's package keeps beside it, in `config.min.json`.
package struct FileTypeConfiguration: Sendable, Equatable {
  /// Of blocks and rows: more than any release has.
  package static let sizeLimit = 1 << 20
  package static let typeLimit = 65_536
  static let fileLimit = 8 << 20

  /// Values of a row that come from the file's beginning and from its end.
  package let beginSize: Int
  package let endSize: Int
  /// Bytes of either end that are looked at.
  package let blockSize: Int
  /// Fewer bytes are not shown to the network.
  package let leastSize: Int
  /// Stands where there is no byte.
  package let padding: Int32
  /// Of the network's outputs, in order.
  package let types: [String]
  /// From which score on a type is believed, where it is not `threshold`.
  package let thresholds: [String: Double]
  package let threshold: Double
  /// Types that are told as others.
  package let overwritten: [String: String]
  /// Types that are text.
  package let textual: Set<String>

  /// Values of a row.
  package var rowSize: Int { beginSize + endSize }

  /// - Parameters:
  ///   - path: of `config.min.json`.
  ///   - knowledge: of `content_types_kb.min.json`, which tells of each type whether it is text.
  /// - Throws: `badModel`.
  package init(contentsOf path: String, knowledge: String) throws(EngineError) {
    let file: File = try Self.read(path)
    let known: [String: Knowledge] = try Self.read(knowledge)
    (beginSize, endSize, blockSize) = (file.begSize, file.endSize, file.blockSize)
    (leastSize, padding) = (file.minFileSizeForDl, file.paddingToken)
    (types, thresholds) = (file.targetLabelsSpace, file.thresholds)
    (threshold, overwritten) = (file.mediumConfidenceThreshold, file.overwriteMap)
    textual = Set(known.filter { $0.value.isText }.keys)
    let sizes = 1...Self.sizeLimit
    guard file.midSize == 0, !file.useInputsAtOffsets, sizes.contains(blockSize), sizes.contains(leastSize),
      (0..<blockSize).contains(beginSize), (0..<blockSize).contains(endSize), leastSize <= beginSize,
      (1...Self.typeLimit).contains(types.count)
    else {
      throw EngineError(
        .badModel, "\(path) asks for what is not known here",
        cause: "of a file its beginning and end are taken, \(beginSize) and \(endSize) of \(blockSize) bytes",
        remedy: "use the network of magika 1.0")
    }
    let all = Set(types).union(overwritten.values)
    guard let stranger = all.subtracting(known.keys).sorted().first else { return }
    throw EngineError(
      .badModel, "\(knowledge) does not tell what \(stranger) is",
      remedy: "use the file of the same release as \(path)")
  }

  private static func read<Value: Decodable>(_ path: String) throws(EngineError) -> Value {
    do {
      let data = try BoundedInput.read(path, limit: fileLimit)
      let decoder = JSONDecoder()
      if Value.self == File.self { decoder.keyDecodingStrategy = .convertFromSnakeCase }
      return try decoder.decode(Value.self, from: data)
    } catch {
      let cause = (error as? BoundedInput.Failure)?.reason ?? "\(error)"
      throw EngineError(
        .badModel, "\(path) cannot be read", cause: cause,
        remedy: "name the folder of a network of magika, such as standard_v3_3")
    }
  }

  /// As `config.min.json` has it.
  private struct File: Decodable {
    let begSize: Int
    let midSize: Int
    let endSize: Int
    let useInputsAtOffsets: Bool
    let mediumConfidenceThreshold: Double
    let minFileSizeForDl: Int
    let paddingToken: Int32
    let blockSize: Int
    let targetLabelsSpace: [String]
    let thresholds: [String: Double]
    let overwriteMap: [String: String]
  }

  private struct Knowledge: Decodable {
    let isText: Bool

    private enum CodingKeys: String, CodingKey { case isText = "is_text" }
  }
}
