import MedullaSnapshot

/// What a part of a condition is.
enum RuleType: Equatable {
  case number
  /// A number from 0 to 65,535.
  case port
  /// A number from 0 to 255.
  case transport
  case address
  case prefix
  /// One of the network's classes, or that it was unsure.
  case label
  case condition

  var text: String {
    switch self {
    case .number: "a number"
    case .port: "a port"
    case .transport: "a protocol"
    case .address: "an address"
    case .prefix: "a prefix"
    case .label: "a class"
    case .condition: "a condition"
    }
  }

  /// Whether it is reckoned with.
  var isQuantity: Bool { self == .number || self == .port || self == .transport }

  /// Values that it may have; nil: any.
  var range: ClosedRange<Double>? {
    switch self {
    case .port: 0...65_535
    case .transport: 0...255
    default: nil
    }
  }
}

/// Numbers of protocols over IP that have a name in rules.
enum RuleTransport {
  static let numbers: [String: Double] = [
    "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58,
    "sctp": 132,
  ]
}

/// Where a number of a request comes from.
enum RuleSource: Equatable {
  case sourcePort
  case destinationPort
  case transport
  case margin
  /// Of the request's facts, or else of its features, if it is among them.
  case feature(String, place: Int?, InputFeature?)

  /// - Throws: `MissingValue` where the request has none.
  func value(in request: LabelRequest) throws(MissingValue) -> Double {
    switch self {
    case .margin: return request.margin
    case .sourcePort:
      guard let flow = request.flow else { throw MissingValue(name: "source_port") }
      return Double(flow.sourcePort)
    case .destinationPort:
      guard let flow = request.flow else { throw MissingValue(name: "destination_port") }
      return Double(flow.destinationPort)
    case .transport:
      guard let flow = request.flow else { throw MissingValue(name: "protocol") }
      return Double(flow.transport)
    case .feature(let name, let place, let feature):
      if let fact = request.facts[name] { return fact }
      guard let place, let feature, request.features.indices.contains(place) else {
        throw MissingValue(name: name)
      }
      return feature.original(request.features[place])
    }
  }
}

/// A request does not have what its schema says that all have.
struct MissingValue: Error, Equatable {
  let name: String
}
