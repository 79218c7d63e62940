import MedullaFlows

/// A flow of a capture with the category that nDPI has given it.
package struct LabelledFlow: Sendable {
  package let key: ReferenceFlow.Key
  package let category: String
  package let isGuessedByPort: Bool
  /// Of its first packet, in nanoseconds since 1970.
  package let began: UInt64
  /// A network's inputs when it was decided; nil: it was never time.
  package let words: [Int64]?

  package init(
    key: ReferenceFlow.Key, category: String, isGuessedByPort: Bool = false, began: UInt64, words: [Int64]?
  ) {
    (self.key, self.category, self.isGuessedByPort) = (key, category, isGuessedByPort)
    (self.began, self.words) = (began, words)
  }
}

/// The labelled flows of one capture.
package struct LabelledCapture: Sendable {
  package let name: String
  package let flows: [LabelledFlow]
  /// Flows that the results do not have, have without a category, or have with several.
  package let unlabelled: Int

  package init(name: String, flows: [LabelledFlow], unlabelled: Int = 0) {
    (self.name, self.flows, self.unlabelled) = (name, flows, unlabelled)
  }

  /// Measures a capture's flows as the kernel would, each when it is time to decide, and joins them with the
  /// results by their ends. Connections one after another between the same ends have one label.
  ///
  /// - Returns: nil for a capture of a link from which no flows are read.
  package static func read(
    _ name: String, of folder: CaptureFolder, inputs: FlowInputs, at moment: DecisionMoment, idle: Duration
  ) throws -> LabelledCapture? {
    guard let capture = try? CaptureFile(folder.capture(name)) else { return nil }
    var meter = FlowMeter(idle: idle)
    var began: [UInt64] = []
    var words: [[Int64]?] = []
    // Of a capture that ends in the middle, what is before counts.
    while let frame = try? capture.next() {
      guard let place = try meter.take(frame, of: capture.link) else { continue }
      if place == began.count {
        began.append(frame.nanoseconds)
        words.append(nil)
      }
      if moment.isNow(meter.flows[place], decided: words[place] != nil) {
        words[place] = inputs.words(of: meter.flows[place])
      }
    }
    let results = Dictionary(grouping: try ReferenceFlow.read(folder.results(name)), by: \.key)
    let flows = meter.flows.enumerated().compactMap { place, flow -> LabelledFlow? in
      let key = ReferenceFlow.Key(flow)
      guard let own = results[key], Set(own.map(\.category)).count == 1, let first = own.first,
        let category = first.category
      else { return nil }
      return LabelledFlow(
        key: key, category: category, isGuessedByPort: first.isGuessedByPort, began: began[place],
        words: words[place])
    }
    return LabelledCapture(name: name, flows: flows, unlabelled: meter.flows.count - flows.count)
  }
}
