/// A number, checked: it can be told of any request that the schema is of.
indirect enum RuleQuantity {
  case constant(Double)
  case value(RuleSource)
  case negative(RuleQuantity)
  case arithmetic(RuleArithmetic, RuleQuantity, RuleQuantity)

  func value(in request: LabelRequest) throws(MissingValue) -> Double {
    switch self {
    case .constant(let value): value
    case .value(let source): try source.value(in: request)
    case .negative(let one): -(try one.value(in: request))
    case .arithmetic(let sign, let one, let other):
      sign.of(try one.value(in: request), try other.value(in: request))
    }
  }
}

enum RuleAddress {
  case source
  case destination
  case constant(IPAddress)

  /// - Throws: `MissingValue` for what is no flow.
  func value(in request: LabelRequest) throws(MissingValue) -> IPAddress {
    switch self {
    case .constant(let address): return address
    case .source:
      guard let address = request.flow.flatMap({ IPAddress($0.source) }) else {
        throw MissingValue(name: "source")
      }
      return address
    case .destination:
      guard let address = request.flow.flatMap({ IPAddress($0.destination) }) else {
        throw MissingValue(name: "destination")
      }
      return address
    }
  }
}

/// A class by its place; nil: unsure.
enum RuleClass {
  case prediction
  case constant(Int?)

  func value(in request: LabelRequest) -> Int? {
    switch self {
    case .prediction: request.prediction
    case .constant(let place): place
    }
  }
}

/// Numbers and ranges of them.
struct RuleNumbers {
  private(set) var values: Set<Double> = []
  private(set) var ranges: [ClosedRange<Double>] = []

  mutating func add(_ low: Double, to high: Double?) {
    if let high { ranges.append(low...high) } else { values.insert(low) }
  }

  func contains(_ value: Double) -> Bool {
    values.contains(value) || ranges.contains { $0.contains(value) }
  }
}

/// Addresses, prefixes, and ranges of addresses of one version.
struct RuleAddresses {
  let prefixes: PrefixTable
  let ranges: [(low: IPAddress, high: IPAddress)]

  func contains(_ address: IPAddress) -> Bool {
    prefixes.longest(address) != nil
      || ranges.contains { range in
        range.low.version == address.version && range.low.bits <= address.bits
          && address.bits <= range.high.bits
      }
  }
}

/// A condition, checked.
indirect enum RuleCondition {
  case compare(RuleQuantity, RuleComparison, RuleQuantity)
  case among(RuleQuantity, RuleNumbers)
  case sameAddress(RuleAddress, RuleAddress)
  case inAddresses(RuleAddress, RuleAddresses)
  case sameClass(RuleClass, RuleClass)
  case inList(RuleAddress, WatchedList)
  /// A port, as one of the flow's protocol.
  case portInList(RuleQuantity, WatchedList)
  case not(RuleCondition)
  case all([RuleCondition])
  case any([RuleCondition])

  /// Parts are asked from left to right, and no more of them than it takes.
  func holds(of request: LabelRequest) throws(MissingValue) -> Bool {
    switch self {
    case .compare(let one, let sign, let other):
      return sign.holds(try one.value(in: request), try other.value(in: request))
    case .among(let one, let numbers): return numbers.contains(try one.value(in: request))
    case .sameAddress(let one, let other): return try one.value(in: request) == other.value(in: request)
    case .inAddresses(let one, let set): return set.contains(try one.value(in: request))
    case .sameClass(let one, let other): return one.value(in: request) == other.value(in: request)
    case .inList(let one, let list): return list.longest(try one.value(in: request)) != nil
    case .portInList(let one, let list):
      let transport = try RuleSource.transport.value(in: request)
      return list.hasPort(try one.value(in: request), transport: transport)
    case .not(let one): return !(try one.holds(of: request))
    case .all(let parts):
      for part in parts {
        guard try part.holds(of: request) else { return false }
      }
      return true
    case .any(let parts):
      for part in parts {
        if try part.holds(of: request) { return true }
      }
      return false
    }
  }
}
