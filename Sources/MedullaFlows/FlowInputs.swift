import CMedullaABI
import MedullaSnapshot

/// The inputs of a network that is told features of flows, in its fixed point: the integers that programs in
/// the kernel make of the same packets.
package struct FlowInputs: Sendable {
  package let features: [InputFeature]
  /// Of each input.
  package let fractionBits: Int
  /// By `FlowFeature.all`.
  private let places: [Int]

  /// - Throws: `unknownFeature` with its name.
  package init(_ features: [InputFeature], fractionBits: Int = 16) throws(CaptureError) {
    var places: [Int] = []
    for feature in features {
      guard let place = FlowFeature.all.firstIndex(where: { $0.name == feature.name }) else {
        throw Self.unknown(feature)
      }
      places.append(place)
    }
    (self.features, self.fractionBits, self.places) = (features, fractionBits, places)
  }

  /// Whether there are such features, of flows or of paths.
  ///
  /// - Throws: `unknownFeature` with its name.
  package static func check(_ features: [InputFeature]) throws(CaptureError) {
    _ = try FlowInputs(features.filter { !PathFeature.isKnown($0.name) })
  }

  private static func unknown(_ feature: InputFeature) -> CaptureError {
    guard !PathFeature.isKnown(feature.name) else {
      return CaptureError(
        .unknownFeature, "\(feature.name) is of a path, of which a capture says nothing",
        remedy: "`medulla features list` has those of flows")
    }
    return CaptureError(
      .unknownFeature, "there is no feature \(feature.name)",
      remedy: "`medulla features list` has those of flows, and with --paths those of paths")
  }

  /// One word for each input.
  package func words(of flow: FlowRecord) -> [Int64] {
    let values = flow.features
    return zip(features, places).map { feature, place in
      switch feature.scale {
      case .linear: flow_input_linear(values[place], UInt32(fractionBits))
      case .log2: flow_input_log2(values[place], UInt32(fractionBits))
      }
    }
  }
}
