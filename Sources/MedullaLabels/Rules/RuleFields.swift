import MedullaFlows
import MedullaSnapshot

/// What a name in a condition stands for.
enum RuleField {
  case quantity(RuleSource, RuleType)
  case constant(Double, RuleType)
  case address(RuleAddress)
  case label(RuleClass)
}

/// The names that rules of a schema may use.
struct RuleFields {
  let schema: LabelSchema

  /// - Throws: where there is none, with why.
  func field(_ name: String, at place: RulePlace) throws(RuleFault) -> RuleField {
    switch name {
    case "source", "destination":
      guard schema.hasFlow else { throw without(name, place) }
      return .address(name == "source" ? .source : .destination)
    case "prediction": return .label(.prediction)
    case "unsure": return .label(.constant(nil))
    case "margin": return .quantity(.margin, .number)
    case "source_port" where schema.hasFlow: return .quantity(.sourcePort, .port)
    case "destination_port" where schema.hasFlow: return .quantity(.destinationPort, .port)
    case "protocol" where schema.hasFlow: return .quantity(.transport, .transport)
    default: break
    }
    if let number = RuleTransport.numbers[name] { return .constant(number, .transport) }
    let index = schema.features.firstIndex { $0.name == name }
    guard index != nil || schema.facts.contains(name) else { throw without(name, place) }
    let source = RuleSource.feature(name, place: index, index.map { schema.features[$0] })
    return .quantity(source, Self.type(of: name))
  }

  private static func type(of name: String) -> RuleType {
    switch name {
    case "source_port", "destination_port": .port
    case "protocol": .transport
    default: .number
    }
  }

  private func without(_ name: String, _ place: RulePlace) -> RuleFault {
    let known = known
    if schema.place(of: name) != nil {
      return RuleFault(
        place, "`\(name)` is a class, and no field",
        remedy: "write a class in quotes: prediction == \"\(name)\"")
    }
    guard Self.all.contains(name) else {
      let close = known.union(Self.all).map { ($0, Self.distance(name, $0)) }.min {
        ($0.1, $0.0) < ($1.1, $1.0)
      }
      let guess = close.flatMap { $0.1 <= 2 ? "did you mean `\($0.0)`? " : nil } ?? ""
      return RuleFault(
        place, "there is no field or feature `\(name)`",
        remedy: "\(guess)`medulla features list` has all features; samples here have \(Self.told(known))")
    }
    return RuleFault(
      place, "samples do not carry `\(name)`",
      remedy: "they have \(Self.told(known)); a network has more that is compiled with more --features")
  }

  /// What samples have.
  private var known: Set<String> {
    let ends = ["source", "destination", "source_port", "destination_port", "protocol"]
    return Set(schema.features.map(\.name)).union(schema.facts).union(["prediction", "margin"])
      .union(schema.hasFlow ? ends : [])
  }

  private static func told(_ names: Set<String>) -> String { names.sorted().joined(separator: ", ") }

  /// Everything that some sample might have.
  private static let all = Set(FlowFeature.all.map(\.name)).union(["source", "destination"])

  /// Letters that differ (Levenshtein), of words that are short.
  private static func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one.utf8.prefix(64)), Array(other.utf8.prefix(64)))
    var row = Array(0...other.count)
    for (index, letter) in one.enumerated() {
      var corner = row[0]
      row[0] = index + 1
      for (place, second) in other.enumerated() {
        let above = row[place + 1]
        row[place + 1] = min(above + 1, row[place] + 1, corner + (letter == second ? 0 : 1))
        corner = above
      }
    }
    return row[other.count]
  }
}
