/// What a file is, and how that came about.
package struct FileTypeAnswer: Sendable, Equatable {
  /// Why the answer is another type than the network's.
  package enum Reason: String, Sendable {
    case none
    case lowConfidence = "low_confidence"
    case overwriteMap = "overwrite_map"
  }

  static let empty = "empty"
  static let text = "txt"
  static let unknown = "unknown"

  package let type: String
  /// What the network took it for; nil: it was not asked.
  package let networkType: String?
  /// The network's, or 1 where it was not asked.
  package let score: Float
  package let reason: Reason

  package init(_ type: String, networkType: String? = nil, score: Float = 1, reason: Reason = .none) {
    self.type = type
    self.networkType = networkType
    self.score = score
    self.reason = reason
  }
}

/// From which score on the network is believed.
package enum FileTypeMode: String, Sendable, CaseIterable {
  /// From each type's own threshold on.
  case highConfidence = "high-confidence"
  /// From the one threshold of all types on.
  case mediumConfidence = "medium-confidence"
  case bestGuess = "best-guess"
}

extension FileTypeConfiguration {
  /// What follows from the network's scores, one for each type.
  package func answer(_ scores: UnsafeBufferPointer<Float>, mode: FileTypeMode) -> FileTypeAnswer {
    var best = 0
    for index in scores.indices.prefix(types.count) where scores[index] > scores[best] { best = index }
    let (own, score) = (types[best], scores[best])
    let told = overwritten[own] ?? own
    let least: Double =
      switch mode {
      case .highConfidence: thresholds[own] ?? threshold
      case .mediumConfidence: threshold
      case .bestGuess: -.infinity
      }
    if Double(score) >= least {
      return FileTypeAnswer(
        told, networkType: own, score: score, reason: told == own ? .none : .overwriteMap)
    }
    let safe = textual.contains(told) ? FileTypeAnswer.text : FileTypeAnswer.unknown
    return FileTypeAnswer(
      safe, networkType: own, score: score, reason: safe == own ? .none : .lowConfidence)
  }
}
