import MedullaBase
import MedullaLabels

/// Agents that label rows, with errors that are stated: what the truth becomes before the loop sees it.
package struct RowAgents: Sendable {
  package enum Kind: Sendable, Equatable {
    /// Right, and else wrong with this probability.
    case noisy(Double)
    case inverting
    case random
    /// Says benign of every attack, and the truth of the rest.
    case targeted
  }

  package let kinds: [Kind]
  private var generator: SeededGenerator
  private var merging: LabelMerging

  package init(_ kinds: [Kind], model: DawidSkene.Model = .fullConfusion, seed: UInt64) {
    self.kinds = kinds
    generator = SeededGenerator(seed: seed)
    var settings = LabelMerging.Settings()
    settings.estimator = DawidSkene(model)
    merging = LabelMerging(
      agents: kinds.indices.map { "agent\($0)" }, classes: 2, settings: settings)
  }

  /// The merged label and how probable it is that it is wrong; nil where nobody is sure.
  package mutating func label(_ truth: Int, sample: UInt64) -> (label: Int, error: Double)? {
    guard kinds != [.noisy(0)] else { return (truth, 0) }
    let labels = kinds.enumerated().map { place, kind in
      Label(sample: sample, agent: "agent\(place)", label: said(kind, truth))
    }
    let merged = merging.merge(sample: sample, labels)
    return merged.label.map { ($0, 1 - merged.confidence) }
  }

  private mutating func said(_ kind: Kind, _ truth: Int) -> Int {
    switch kind {
    case .noisy(let error): generator.chance(error) ? 1 - truth : truth
    case .inverting: 1 - truth
    case .random: generator.chance(0.5) ? 1 : 0
    case .targeted: 0
    }
  }
}
