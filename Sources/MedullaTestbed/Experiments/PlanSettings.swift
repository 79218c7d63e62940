import Foundation

/// Changes of a plan's values by their names, as a command line gives them: `seconds=5`, `flows=[2,10]`.
enum PlanSettings {
  /// Throws `badParameter` that names the setting.
  static func apply<Plan: Codable>(_ settings: [String], to plan: Plan) throws -> Plan {
    let text = try JSONText.encode(plan)
    guard var values = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
      throw TestbedError(.badParameter, "This plan has no settings.", remedy: "Leave --set out.")
    }
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, values[parts[0]] != nil else {
        throw TestbedError(
          .badParameter, "`\(setting)` sets nothing of the plan.",
          remedy: "Write KEY=VALUE with a key of \(values.keys.sorted().joined(separator: ", ")).")
      }
      // What is no JSON is a text, so that words need no quotes.
      let value = try? JSONSerialization.jsonObject(with: Data(parts[1].utf8), options: .fragmentsAllowed)
      values[parts[0]] = value ?? parts[1]
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      return try decoder.decode(Plan.self, from: JSONSerialization.data(withJSONObject: values))
    } catch {
      throw TestbedError(
        .badParameter, "`\(settings.joined(separator: " "))` does not fit the plan: \(Self.text(error)).",
        remedy: "Give each key a value of the kind that the result file shows.")
    }
  }

  private static func text(_ error: any Error) -> String {
    guard case .typeMismatch(_, let context)? = error as? DecodingError else { return "a value is missing" }
    return context.codingPath.map(\.stringValue).joined(separator: ".") + " has another type"
  }
}
