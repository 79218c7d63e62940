import Foundation

/// What a sender's kernel knows about the size of a flow when its application first writes, as the network's
/// features. All are binary logarithms.
///
/// | feature | of |
/// | --- | --- |
/// | sent | bytes of this flow that have left, plus 1 |
/// | first write | bytes that the application has just handed over |
/// | previous, before | bytes handed over on its last two flows, as far as a send buffer takes them |
/// | usual | moving average of those, in logarithms |
/// | gap | microseconds since it opened its last flow, plus 1 |
///
/// The paper names flow gap and start time (§4) and takes the rest from FLUX. A start time says nothing in a
/// workload without times of day, so it is left out.
package struct FlowSizeFeatures: Sendable {
  package static let names = ["sent", "first write", "previous", "before", "usual", "gap"]
  /// What an application can hand over before the network has taken anything.
  static let sendBufferBytes = 4 << 20
  static let averageWeight = 0.25
  /// Before an application's first flow: a middling size, and a long gap.
  static let unknownSize = 16.0
  static let unknownGap = 20.0

  private struct History {
    var previous = FlowSizeFeatures.unknownSize
    var before = FlowSizeFeatures.unknownSize
    var usual = FlowSizeFeatures.unknownSize
    var opened: Int?
  }

  /// Features of flows in their order of arrival, each without its first, the bytes sent so far.
  package static func atStart(of flows: [FabricFlow]) -> [[Float]] {
    var histories: [Int: History] = [:]
    let kinds = (flows.map(\.application).max() ?? 0) + 1
    return flows.map { flow in
      let key = flow.source * kinds + flow.application
      var history = histories[key] ?? History()
      let gap = history.opened.map { log2(Double(flow.startNanoseconds - $0) / 1000 + 1) } ?? unknownGap
      let features = [
        log2(Double(flow.firstWriteBytes)), history.previous, history.before, history.usual, gap,
      ]
      let handedOver = log2(Double(min(flow.bytes, sendBufferBytes)))
      history.before = history.previous
      history.previous = handedOver
      history.usual += averageWeight * (handedOver - history.usual)
      history.opened = flow.startNanoseconds
      histories[key] = history
      return features.map { Float($0) }
    }
  }

  /// The feature of bytes sent so far.
  package static func sent(_ bytes: Int) -> Float { Float(log2(Double(bytes) + 1)) }
}
