/// What became of the snapshots that the daemon promoted, judged from its history.
package struct SoakRollouts: Codable, Equatable, Sendable {
  /// A record of the history that tells of a promotion or its end.
  package struct Record: Equatable, Sendable {
    package enum Event: Equatable, Sendable {
      case promotion
      /// The watch's word, such as `accepted`.
      case verdict(String)
      case rollback
    }

    /// Seconds since the soak began.
    package var time: Double
    package var version: Int
    package var event: Event

    package init(_ time: Double, _ version: Int, _ event: Event) {
      self.time = time
      self.version = version
      self.event = event
    }
  }

  /// Seconds from a promotion in which a kill explains that no verdict came: the watch waits three windows
  /// for the first flow, looks for one, and is a batch late.
  static func patience(window: Double) -> Double { 4 * window + 1 }

  package var promotions = 0
  /// How many times the watch said what.
  package var verdicts: [String: Int] = [:]
  /// Promotions without a verdict, since the daemon was killed, or stopped at the end, during their watch.
  package var interrupted = 0
  /// Versions that were promoted and have neither a verdict nor such a reason, and those that did worse and
  /// were not taken back.
  package var unexplained: [Int] = []
  /// Versions that were active and of which no record tells.
  package var unrecorded: [Int] = []

  package init() {}

  /// - Parameters:
  ///   - interruptions: when the daemon was killed, and when it was stopped, in seconds since the beginning.
  ///   - active: versions that were seen active, with the time of the look before and of the look itself.
  ///   - window: the watch's, in seconds.
  package init(
    _ records: [Record], interruptions: [Double], active: [(version: Int, since: Double, time: Double)],
    window: Double
  ) {
    let promoted = records.filter { $0.event == .promotion }.sorted { $0.time < $1.time }
    let judged = Set(records.filter { if case .verdict = $0.event { true } else { false } }.map(\.version))
    let returned = Set(records.filter { $0.event == .rollback }.map(\.version))
    promotions = promoted.count
    func isInterrupted(after time: Double, before end: Double) -> Bool {
      interruptions.contains { $0 >= time - 0.1 && $0 <= min(end, time + Self.patience(window: window)) }
    }
    for (index, promotion) in promoted.enumerated() where !judged.contains(promotion.version) {
      let next = index + 1 < promoted.count ? promoted[index + 1].time : .infinity
      if isInterrupted(after: promotion.time, before: next) || returned.contains(promotion.version) {
        interrupted += 1
      } else {
        unexplained.append(promotion.version)
      }
    }
    for record in records {
      guard case .verdict(let outcome) = record.event else { continue }
      verdicts[outcome, default: 0] += 1
      let isOver = returned.contains(record.version) || isInterrupted(after: record.time, before: .infinity)
      if outcome == "worse", !isOver { unexplained.append(record.version) }
    }
    let known = Set(promoted.map(\.version) + records.map(\.version))
    var lost: Set<Int> = []
    for look in active where !known.contains(look.version) {
      // The history is written a moment after the promotion.
      let isExplained = interruptions.contains { $0 >= look.since - 1 && $0 <= look.time + 1 }
      if !isExplained { lost.insert(look.version) }
    }
    unrecorded = lost.sorted()
  }
}
