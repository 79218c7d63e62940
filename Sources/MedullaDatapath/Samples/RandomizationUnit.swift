/// What is given a snapshot, or kept from it, as a whole. What happens within one hangs together, so that its
/// decisions are no independent evidence; and neighbours may share a queue. So the unit is the reward's to
/// say.
package enum RandomizationUnit: String, Sendable, Equatable, Codable, CaseIterable {
  case flow
  /// All flows between the same places, which meet in the same queues.
  case path
  case host

  /// Units are counted apart up to this many, beyond which several count as one.
  ///
  /// Flows are many and interchangeable. Of paths and hosts there are few, and two that fell together would
  /// look as if both versions had met on one.
  package var groups: UInt64 {
    switch self {
    case .flow: 64
    case .path, .host: 4_096
    }
  }

  /// Whether old and new version can meet within one unit and disturb each other there.
  package var canBeShared: Bool { self != .flow }
}
