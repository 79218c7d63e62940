import CMedullaABI

/// One number that says something of a flow. Declared in `flow_features.h`, once for the kernel and here.
package struct FlowFeature: Sendable, Equatable, Encodable {
  package let name: String
  package let unit: String
  package let formula: String
  /// Where it comes from, by the name that it has there.
  package let source: String

  /// All, in the order in which `FlowRecord.features` has them.
  package static let all: [FlowFeature] = (0..<UInt32(FLOW_FEATURE_COUNT.rawValue)).compactMap { number in
    guard let text = flow_feature_text(number)?.pointee else { return nil }
    return FlowFeature(
      name: String(cString: text.name), unit: String(cString: text.unit),
      formula: String(cString: text.formula), source: String(cString: text.source))
  }
}
